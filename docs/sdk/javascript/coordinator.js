// @ts-check
/**
 * A thin client of one coordinator on one chain, over viem: buffer, resolve, execute, and wait for what becomes of it.
 *
 * A resolve that fails does not revert: its transaction has status `success`. `resolve` and `failureReason` read the
 * event that says so. Times are in seconds, timestamps Unix seconds, fees in wei. Every wait has a deadline.
 */

import { readFile } from 'node:fs/promises'
import {
  BaseError,
  ContractFunctionRevertedError,
  TransactionReceiptNotFoundError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEventLogs,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { abi } from './abi.js'

/** @typedef {import('viem').Hex} Hex */
/** @typedef {'EMPTY' | 'BUFFERED' | 'READY' | 'EXECUTED' | 'EXPIRED'} State */
/** @typedef {{ blocks?: number | null, seconds?: number | null, tag?: 'safe' | 'finalized' | null }} Finality */
/** @typedef {import('viem').TransactionReceipt} Receipt */
/** @typedef {{ txId: Hex, ready: boolean, reason: string | null, receipt: Receipt }} Resolution */
/** @typedef {{ timeout?: number, poll?: number }} Wait seconds */
/**
 * @typedef {object} Request A transaction to buffer.
 * @property {Hex} txId 32 bytes
 * @property {Hex} origin the address that stands for the rollup it comes from
 * @property {Hex} target the address that stands for the rollup it goes to
 * @property {number | bigint} timestamp Unix seconds from which it may become ready
 * @property {Hex} [payload] at most 512 bytes
 * @property {Hex} [parent] the transaction that must be READY first
 */

export { abi }
/** @type {Hex} */
export const ZERO_ID = `0x${'00'.repeat(32)}`
const FLAGS = { EMPTY: 1, BUFFERED: 2, READY: 4, EXECUTED: 8, EXPIRED: 16 }

/** The contract refused a call; `reason` is its text. */
export class Reverted extends Error {
  /** @param {string} what @param {string | null} reason */
  constructor(what, reason) {
    super(`${what} reverts: ${reason ?? 'the contract gives no reason'}`)
    this.name = 'Reverted'
    this.reason = reason
  }
}

/** A transaction ended, or its window closed, too early; `reason` is that of its last TransactionFailed. */
export class NeverReady extends Error {
  /** @param {Hex} txId @param {string | null} reason */
  constructor(txId, reason) {
    super(`expected ${txId} to become READY, but it never will: ${reason ?? 'its window is over'}`)
    this.name = 'NeverReady'
    this.reason = reason
  }
}

const CORE = new Set([
  'buffer_transaction',
  'resolve_dependency',
  'mark_executed',
  'get_transaction_state',
  'TransactionReady',
  'TransactionFailed',
])

/** A wait ran into its deadline; the message quotes the last state seen. */
export class DeadlineExceeded extends Error {
  name = 'DeadlineExceeded'
}

/**
 * The functions and events of this SDK that a contract does not have as documented; batches and expiry are optional.
 * @param {readonly any[]} theirs the contract's ABI
 */
function missing(theirs) {
  const signature = (/** @type {any} */ { type, name, inputs = [] }) =>
    `${type} ${name}(${inputs.map((/** @type {any} */ one) => `${one.type}${one.indexed ? ' indexed' : ''}`)})`
  const there = new Set(theirs.map(signature))
  const core = /** @type {any[]} */ ([...abi]).filter((entry) => CORE.has(entry.name))
  return core.filter((entry) => !there.has(signature(entry))).map((entry) => entry.name)
}

export class Coordinator {
  /**
   * @param {object} options
   * @param {import('viem').PublicClient} options.client
   * @param {import('viem').WalletClient} options.wallet with an account that is an operator
   * @param {Hex} options.address the contract's
   * @param {Record<string, number>} [options.states] the contract's numbers, where they are not the reference's
   * @param {Finality} [options.finality] default: the node's own tag
   * @param {number | bigint} [options.startBlock] nothing before it is of interest
   * @param {number | bigint} [options.minTipWei]
   * @param {number} [options.blockTime] seconds
   * @param {Hex} [options.rollup] the address that stands for this chain inside the contracts
   */
  constructor({ client, wallet, address, states = FLAGS, finality, startBlock = 0, minTipWei = 0, blockTime = 12, rollup }) {
    this.client = client
    this.wallet = wallet
    this.address = address
    this.finality = finality ?? { tag: 'finalized' }
    this.startBlock = BigInt(startBlock)
    this.minTipWei = BigInt(minTipWei)
    this.blockTime = blockTime
    this.rollup = rollup ?? address
    this.names = new Map(Object.entries(states).map(([name, number]) => [BigInt(number), name]))
    if (!this.names.has(0n)) this.names.set(0n, 'EMPTY')
  }

  /**
   * The coordinator on a chain of the session.json that `lab up` and `lab live session` write.
   * @param {string} path @param {string} chain @param {string} [role] whose key is used
   */
  static async fromSession(path, chain, role = 'operator') {
    const session = JSON.parse(await readFile(path, 'utf8'))
    if (session.schema_version !== 1) {
      const got = session.schema_version ?? 'none'
      throw new TypeError(`${path}: expected schema_version 1, got ${got}: write it again with the lab that this SDK is of`)
    }
    const lacking = missing(session.abi ?? abi)
    if (lacking.length) {
      const what = lacking.join(', ')
      throw new TypeError(`${path}: expected a contract with ${what}: this SDK knows the documented names alone, the Python SDK others, too`)
    }
    const facts = session.chains[chain]
    if (!facts) throw new TypeError(`${path}: expected a chain of ${Object.keys(session.chains)}, got ${chain}`)
    const keys = JSON.parse(await readFile(session.key_file, 'utf8'))
    if (!keys[role]) throw new TypeError(`${session.key_file}: expected a role of ${Object.keys(keys)}, got ${role}`)
    const transport = http(facts.rpc_url, { timeout: session.rpc_timeout_ms })
    const shape = defineChain({
      id: facts.chain_id,
      name: chain,
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [facts.rpc_url] } },
    })
    return new Coordinator({
      client: createPublicClient({ chain: shape, transport, cacheTime: 0, pollingInterval: 200 }),
      wallet: createWalletClient({ account: privateKeyToAccount(keys[role]), chain: shape, transport }),
      address: facts.contract,
      states: session.state_numbering,
      finality: facts.finality,
      startBlock: facts.start_block,
      minTipWei: facts.min_tip_wei,
      blockTime: facts.block_time_ms / 1000,
      rollup: facts.rollup,
    })
  }

  /** The newest block's timestamp: what the contract compares timestamps with. */
  async now() {
    return Number((await this.client.getBlock()).timestamp)
  }

  /** A timestamp that is not yet past when a request of now is mined within so many blocks. */
  async soon(blocks = 2) {
    return Math.ceil(Math.max(await this.now(), Date.now() / 1000) + blocks * this.blockTime)
  }

  /** About how long a block takes to be final, in seconds. For a tag: 64 blocks, since only the node knows. */
  get finalAfter() {
    const { blocks, seconds } = this.finality
    return seconds ?? (blocks ?? 64) * this.blockTime
  }

  /** @param {Hex} txId @returns {Promise<State>} */
  async state(txId) {
    const number = await this.#read('get_transaction_state', [txId])
    const name = this.names.get(BigInt(/** @type {bigint} */ (number)))
    if (!name) throw new RangeError(`expected a state number (${[...this.names.keys()]}), got ${number}`)
    return /** @type {State} */ (name)
  }

  /** Buffer one transaction and wait until it is in a block. @param {Request} request */
  buffer(request) {
    return this.#send('buffer_transaction', fields(request))
  }

  /** Buffer up to 32, all or none. @param {Request[]} requests */
  bufferBatch(requests) {
    const names = ['tx_id', 'origin_rollup', 'target_rollup', 'payload', 'dependency_tx_id', 'timestamp']
    const structs = requests.map((one) => Object.fromEntries(fields(one).map((value, at) => [names[at], value])))
    return this.#send('buffer_batch', [structs])
  }

  /** Try to make one READY. Look at `ready`: the call succeeds either way. @param {Hex} txId @returns {Promise<Resolution>} */
  async resolve(txId) {
    return this.#resolution(txId, await this.#send('resolve_dependency', [txId]))
  }

  /** Try up to 64, parents first. Shorter than asked where an expiry tripped the breaker. @param {Hex[]} txIds */
  async resolveBatch(txIds) {
    const receipt = await this.#send('resolve_batch', [txIds])
    const answered = new Set(this.#events(receipt.logs).map((event) => event.txId))
    return txIds.filter((txId) => answered.has(txId.toLowerCase())).map((txId) => this.#resolution(txId, receipt))
  }

  /** Record that a READY transaction was executed. @param {Hex} txId */
  execute(txId) {
    return this.#send('mark_executed', [txId])
  }

  /** Record up to 64 executions, all or none. @param {Hex[]} txIds */
  executeBatch(txIds) {
    return this.#send('execute_batch', [txIds])
  }

  /** End a transaction whose time is over. @param {Hex} txId */
  expire(txId) {
    return this.#send('expire_transaction', [txId])
  }

  /** The reason of a transaction's last TransactionFailed, or null. @param {Hex} txId */
  async failureReason(txId) {
    const logs = await this.client.getLogs({ address: this.address, fromBlock: this.startBlock })
    const reasons = this.#events(logs).filter((event) => event.failed && event.txId === txId.toLowerCase())
    return reasons.at(-1)?.reason ?? null
  }

  /**
   * Wait until somebody, as a rule the relayer, made it READY or already executed it.
   * Throws NeverReady once it ended or its window is over, DeadlineExceeded after `timeout`.
   * @param {Hex} txId @param {Wait} [wait]
   */
  waitReady(txId, wait) {
    return this.#wait(wait, `${txId} to become READY`, async () => {
      const state = await this.state(txId)
      if (state === 'EXPIRED' || (state === 'BUFFERED' && (await this.#windowOver(txId))))
        throw new NeverReady(txId, await this.failureReason(txId))
      return state === 'READY' || state === 'EXECUTED' ? { done: state } : { last: state }
    })
  }

  /** Wait until it is EXECUTED. Throws as `waitReady` does. @param {Hex} txId @param {Wait} [wait] */
  async waitExecuted(txId, wait) {
    await this.waitReady(txId, wait)
    return this.#wait(wait, `${txId} to be EXECUTED`, async () => {
      const state = await this.state(txId)
      if (state === 'EXPIRED') throw new NeverReady(txId, await this.failureReason(txId))
      return state === 'EXECUTED' ? { done: state } : { last: state }
    })
  }

  /**
   * Wait until a transaction's block is final by the chain's policy. A reorg may have moved it to another block.
   * @param {Receipt} receipt @param {Wait} [wait] @returns {Promise<Receipt>}
   */
  waitFinal(receipt, wait = { timeout: 900 }) {
    return this.#wait(wait, `${receipt.transactionHash} to be final`, async () => {
      try {
        const now = await this.client.getTransactionReceipt({ hash: receipt.transactionHash })
        return (await this.#isFinal(now.blockNumber)) ? { done: now } : { last: `block ${now.blockNumber}` }
      } catch (error) {
        if (error instanceof TransactionReceiptNotFoundError) return { last: 'in no block' }
        throw error
      }
    })
  }

  /** @param {bigint} block */
  async #isFinal(block) {
    const { tag, blocks, seconds } = this.finality
    if (tag) return (await this.client.getBlock({ blockTag: tag })).number >= block
    const head = await this.client.getBlock()
    if (blocks != null) return head.number >= block + BigInt(blocks)
    const mined = await this.client.getBlock({ blockNumber: block })
    return Math.max(Date.now() / 1000, Number(head.timestamp)) >= Number(mined.timestamp) + Number(seconds)
  }

  /** @param {Hex} txId */
  async #windowOver(txId) {
    const details = /** @type {unknown[]} */ (await this.#read('get_transaction_details', [txId]))
    const window = /** @type {bigint} */ (await this.#read('coordination_window', []))
    return BigInt(await this.now()) > /** @type {bigint} */ (details[3]) + window
  }

  /** @param {string} functionName @param {unknown[]} args */
  async #read(functionName, args) {
    try {
      return await this.client.readContract(/** @type {any} */ ({ address: this.address, abi, functionName, args }))
    } catch (error) {
      throw reverted(functionName, error)
    }
  }

  /** @param {string} functionName @param {unknown[]} args @returns {Promise<Receipt>} */
  async #send(functionName, args) {
    const call = /** @type {any} */ ({ address: this.address, abi, functionName, args, account: this.wallet.account })
    try {
      const gas = ((await this.client.estimateContractGas(call)) * 120n) / 100n
      const [{ baseFeePerGas }, offered] = await Promise.all([
        this.client.getBlock(),
        this.client.estimateMaxPriorityFeePerGas(),
      ])
      const tip = offered > this.minTipWei ? offered : this.minTipWei
      const fees = { maxFeePerGas: 2n * (baseFeePerGas ?? 0n) + tip, maxPriorityFeePerGas: tip }
      const hash = await this.wallet.writeContract({ ...call, gas, ...fees, chain: this.wallet.chain })
      const receipt = await this.client.waitForTransactionReceipt({ hash, timeout: 60_000 })
      if (receipt.status === 'success') return receipt
      await this.client.simulateContract({ ...call, blockNumber: receipt.blockNumber })
    } catch (error) {
      throw reverted(functionName, error)
    }
    throw new Reverted(functionName, null)
  }

  /** @param {readonly any[]} logs */
  #events(logs) {
    const own = logs.filter((log) => log.address.toLowerCase() === this.address.toLowerCase())
    const events = parseEventLogs({ abi, logs: own, eventName: ['TransactionReady', 'TransactionFailed'] })
    return events.map((event) => ({
      txId: event.args.tx_id.toLowerCase(),
      failed: event.eventName === 'TransactionFailed',
      reason: event.eventName === 'TransactionFailed' ? event.args.reason : null,
    }))
  }

  /** @param {Hex} txId @param {Receipt} receipt @returns {Resolution} */
  #resolution(txId, receipt) {
    const event = this.#events(receipt.logs).find((one) => one.txId === txId.toLowerCase())
    const reason = event ? event.reason : 'the contract emitted neither TransactionReady nor TransactionFailed'
    return { txId, ready: event !== undefined && !event.failed, reason, receipt }
  }

  /**
   * @template T
   * @param {Wait | undefined} wait @param {string} what @param {() => Promise<{ done?: T, last?: string }>} seen
   * @returns {Promise<T>}
   */
  async #wait({ timeout = 120, poll = 0.5 } = {}, what, seen) {
    const deadline = Date.now() + timeout * 1000
    for (;;) {
      const { done, last } = await seen()
      if (done !== undefined) return done
      if (Date.now() >= deadline) throw new DeadlineExceeded(`within ${timeout} s expected ${what}; it is ${last}`)
      await new Promise((wake) => setTimeout(wake, poll * 1000))
    }
  }
}

/** The arguments of buffer_transaction, in order. @param {Request} request @returns {unknown[]} */
function fields({ txId, origin, target, payload = '0x', parent = ZERO_ID, timestamp }) {
  return [txId, origin, target, payload, parent, BigInt(timestamp)]
}

/** viem's error as Reverted, where the contract refused. @param {string} what @param {unknown} error */
function reverted(what, error) {
  const cause = error instanceof BaseError ? error.walk((one) => one instanceof ContractFunctionRevertedError) : null
  return cause instanceof ContractFunctionRevertedError ? new Reverted(what, cause.reason ?? null) : error
}
