// The same swap as swap.py: a settlement on one rollup only after the payment on another. `swap.mjs [SESSION] [ROLE]`
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Coordinator } from '../sdk/javascript/coordinator.js'

const session = process.argv[2] || process.env.LAB_SESSION || 'results/up/session.json'
const role = process.argv[3] ?? 'operator'
const [first, second] = Object.keys(JSON.parse(await readFile(session, 'utf8')).chains)

const payer = await Coordinator.fromSession(session, first, role)
const settler = await Coordinator.fromSession(session, second, role)
const [pay, settle] = [0, 1].map(() => `0x${randomBytes(32).toString('hex')}`)
const hex = (text) => `0x${Buffer.from(text).toString('hex')}`

/** One line of JSON: what was done, and the state of both transactions. */
async function say(step) {
  console.log(JSON.stringify({ step, pay: await payer.state(pay), settle: await settler.state(settle) }))
}

// The settlement waits until the payment is final: its window must not be over by then.
const timestamp = Math.max(await payer.soon(), await settler.soon())
await say('begin')
const paid = await payer.buffer({ txId: pay, origin: payer.rollup, target: settler.rollup, timestamp, payload: hex('100 USDC') })
await settler.buffer({
  txId: settle,
  origin: settler.rollup,
  target: payer.rollup,
  timestamp: timestamp + Math.ceil(payer.finalAfter),
  payload: hex('0.03 ETH'),
  parent: pay,
})
await payer.waitFinal(paid)

// The relayer carries the payment over once it is final, and makes both ready. That order is the whole point.
await payer.waitExecuted(pay)
await settler.waitExecuted(settle)
await say('end')
