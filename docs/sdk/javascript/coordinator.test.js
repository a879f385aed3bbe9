// Against networks that are up: `LAB_SESSION=results/up/session.json npm test`, as `make sdk` does it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { Coordinator, DeadlineExceeded, NeverReady, Reverted, ZERO_ID, abi } from 'tesseract-coordinator'

const session = process.env.LAB_SESSION
const STRANGER = /** @type {const} */ (`0x${'11'.repeat(20)}`)
const newId = () => /** @type {`0x${string}`} */ (`0x${randomBytes(32).toString('hex')}`)

test('a session file of another version, or of none, is refused', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'session-')), 'session.json')
  for (const [content, got] of [['{}', 'none'], ['{"schema_version": 2}', '2']]) {
    await writeFile(file, content)
    await assert.rejects(Coordinator.fromSession(file, 'base'), new RegExp(`expected schema_version 1, got ${got}`))
  }
})

test('a contract of other names, or of other types, is refused before anything is sent', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'session-')), 'session.json')
  const renamed = abi.map((entry) => ('name' in entry && entry.name === 'mark_executed' ? { ...entry, name: 'finish' } : entry))
  await writeFile(file, JSON.stringify({ schema_version: 1, abi: renamed, chains: {} }))
  await assert.rejects(Coordinator.fromSession(file, 'base'), /expected a contract with mark_executed: .* documented names/)
  await writeFile(file, JSON.stringify({ schema_version: 1, abi, chains: {} }))
  await assert.rejects(Coordinator.fromSession(file, 'base'), /expected a chain of/)
})

describe('the client', { skip: !session && 'LAB_SESSION names no session of `lab up`' }, () => {
  /** @type {Coordinator} */ let origin
  /** @type {Coordinator} */ let target
  /** @type {Coordinator} */ let outsider
  before(async () => {
    const file = session ?? ''
    const [first, second] = Object.keys(JSON.parse(await readFile(file, 'utf8')).chains)
    origin = await Coordinator.fromSession(file, first)
    target = await Coordinator.fromSession(file, second, 'operator2')
    outsider = await Coordinator.fromSession(file, first, 'attacker')
  })

  test('a flow is executed on both chains, the child after its parent', async () => {
    const [parent, child] = [newId(), newId()]
    const timestamp = await origin.soon()
    const request = { txId: parent, origin: origin.rollup, target: target.rollup, timestamp, payload: /** @type {const} */ ('0x01') }
    const mined = await origin.buffer(request)
    await target.buffer({
      txId: child,
      origin: target.rollup,
      target: origin.rollup,
      timestamp: timestamp + Math.ceil(origin.finalAfter),
      parent,
    })
    assert.equal((await origin.waitFinal(mined)).status, 'success')
    assert.equal(await origin.waitExecuted(parent), 'EXECUTED')
    assert.equal(await target.waitExecuted(child), 'EXECUTED')
  })

  test('a resolve that fails has status success, and its reason is in an event', async () => {
    const txId = newId()
    const timestamp = await target.soon()
    await target.buffer({ txId, origin: target.rollup, target: STRANGER, timestamp, parent: newId() })
    const { ready, reason, receipt } = await target.resolve(txId)
    assert.deepEqual([receipt.status, ready, reason], ['success', false, 'Dependencies not satisfied'])
    assert.equal(await target.failureReason(txId), reason)
    await assert.rejects(target.execute(txId), (error) => error instanceof Reverted && error.reason === 'Transaction not ready')
    await assert.rejects(target.waitReady(txId, { timeout: 0 }), (error) => error instanceof DeadlineExceeded || error instanceof NeverReady)
  })

  test('a batch is buffered, resolved and executed as one', async () => {
    const timestamp = await origin.soon()
    const requests = [1, 2, 3].map(() => ({ txId: newId(), origin: origin.rollup, target: STRANGER, timestamp }))
    const ids = requests.map((one) => one.txId)
    assert.equal((await origin.bufferBatch(requests)).status, 'success')
    // The relayer goes on meanwhile, and may have executed one already.
    for (const txId of ids) assert.match(await origin.waitReady(txId), /^(READY|EXECUTED)$/)
    for (const txId of ids) assert.equal(await origin.waitExecuted(txId), 'EXECUTED')
  })

  test('what the contract refuses says why', async () => {
    const timestamp = await origin.soon()
    const request = { txId: newId(), origin: origin.rollup, target: STRANGER, timestamp }
    await assert.rejects(outsider.buffer(request), (error) => error instanceof Reverted && error.reason === 'Not authorized')
    await origin.buffer(request)
    await assert.rejects(origin.buffer(request), Reverted)
    assert.equal(await origin.state(newId()), 'EMPTY')
  })

  test('names that the session does not have', async () => {
    await assert.rejects(Coordinator.fromSession(session ?? '', 'nowhere'), /expected a chain of/)
    const [first] = Object.keys(JSON.parse(await readFile(session ?? '', 'utf8')).chains)
    await assert.rejects(Coordinator.fromSession(session ?? '', first, 'nobody'), /expected a role of/)
  })
})

test('the ABI has the calls of the client', () => {
  const names = abi.filter((one) => one.type === 'function').map((one) => one.name)
  for (const name of ['buffer_transaction', 'buffer_batch', 'resolve_dependency', 'mark_executed', 'expire_transaction'])
    assert.ok(names.includes(/** @type {any} */ (name)), name)
  assert.equal(ZERO_ID.length, 66)
})
