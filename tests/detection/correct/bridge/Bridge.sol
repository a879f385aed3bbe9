// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

contract Bridge {
    enum Status { None, Buffered, Ready, Executed, Expired }
    struct Message { address from; address to; bytes data; bytes32 parent; uint64 at; Status status; }

    event TransactionBuffered(bytes32 indexed tx_id, address indexed origin_rollup, address indexed target_rollup, uint256 timestamp);
    event TransactionReady(bytes32 indexed tx_id);
    event TransactionFailed(bytes32 indexed tx_id, string reason);
    event EmergencyStop(address caller, string reason);
    event EmergencyStopLifted(address caller);

    error Unauthorized(address who);
    error NotOwner(address who);
    error InvalidId();
    error InvalidRollup(address rollup);
    error SameRollup();
    error InThePast(uint256 at, uint256 nowS);
    error Exists(bytes32 id);
    error WrongState(bytes32 id, Status is_);
    error BadWindow(uint256 window);
    error TooLong(uint256 length);
    error Stopped();
    error NotStopped();

    address public owner;
    mapping(address => bool) public authorized_operators;
    mapping(bytes32 => Message) internal messages;
    uint256 public transaction_count;
    uint256 public coordination_window = 30;
    bool public paused;

    modifier onlyOperator() { if (!authorized_operators[msg.sender]) revert Unauthorized(msg.sender); if (paused) revert Stopped(); _; }
    modifier onlyOwner() { if (msg.sender != owner) revert NotOwner(msg.sender); _; }

    constructor() { owner = msg.sender; authorized_operators[msg.sender] = true; }

    function add_operator(address operator) external onlyOwner { authorized_operators[operator] = true; }
    function remove_operator(address operator) external onlyOwner { authorized_operators[operator] = false; }
    function set_coordination_window(uint256 window) external onlyOwner {
        if (window < 5 || window > 300) revert BadWindow(window);
        coordination_window = window;
    }
    function pause() external onlyOwner { if (paused) revert Stopped(); paused = true; emit EmergencyStop(msg.sender, "Paused by owner"); }
    function unpause() external onlyOwner { if (!paused) revert NotStopped(); paused = false; emit EmergencyStopLifted(msg.sender); }

    function buffer_transaction(bytes32 tx_id, address origin_rollup, address target_rollup, bytes calldata payload, bytes32 dependency_tx_id, uint256 timestamp) external onlyOperator {
        if (tx_id == bytes32(0)) revert InvalidId();
        if (origin_rollup == address(0)) revert InvalidRollup(origin_rollup);
        if (target_rollup == address(0)) revert InvalidRollup(target_rollup);
        if (origin_rollup == target_rollup) revert SameRollup();
        if (timestamp < block.timestamp) revert InThePast(timestamp, block.timestamp);
        if (timestamp > type(uint64).max) revert InThePast(timestamp, block.timestamp);
        if (payload.length > 512) revert TooLong(payload.length);
        if (messages[tx_id].status != Status.None) revert Exists(tx_id);
        messages[tx_id] = Message(origin_rollup, target_rollup, payload, dependency_tx_id, uint64(timestamp), Status.Buffered);
        transaction_count++;
        emit TransactionBuffered(tx_id, origin_rollup, target_rollup, timestamp);
    }

    function resolve_dependency(bytes32 tx_id) external onlyOperator {
        Message storage m = messages[tx_id];
        if (m.status != Status.Buffered) revert WrongState(tx_id, m.status);
        if (block.timestamp > uint256(m.at) + coordination_window) {
            m.status = Status.Expired;
            emit TransactionFailed(tx_id, "Transaction expired");
            return;
        }
        bool met = m.parent == bytes32(0);
        if (!met) { Status p = messages[m.parent].status; met = p == Status.Ready || p == Status.Executed; }
        if (!met || block.timestamp < m.at) { emit TransactionFailed(tx_id, "Dependencies not satisfied"); return; }
        m.status = Status.Ready;
        emit TransactionReady(tx_id);
    }

    function mark_executed(bytes32 tx_id) external onlyOperator {
        Message storage m = messages[tx_id];
        if (m.status != Status.Ready) revert WrongState(tx_id, m.status);
        m.status = Status.Executed;
    }

    function is_transaction_ready(bytes32 tx_id) external view returns (bool) { Message storage m = messages[tx_id]; return m.status == Status.Ready && block.timestamp >= m.at; }
    function get_transaction_state(bytes32 tx_id) external view returns (Status) { return messages[tx_id].status; }
    function get_transaction_details(bytes32 tx_id) external view returns (address, address, bytes32, uint256, Status) { Message storage m = messages[tx_id]; return (m.from, m.to, m.parent, m.at, m.status); }
    function transactions(bytes32 tx_id) external view returns (address origin_rollup, address target_rollup, bytes memory payload, bytes32 dependency_tx_id, uint256 timestamp, Status state) { Message storage m = messages[tx_id]; return (m.from, m.to, m.data, m.parent, m.at, m.status); }
}
