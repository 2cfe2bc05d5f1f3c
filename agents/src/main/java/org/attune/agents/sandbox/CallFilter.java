package org.attune.agents.sandbox;

import org.attune.agents.sandbox.CallList.Data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/// A filter of calls (seccomp): those that programs need pass, some only with arguments that stay
/// inside; all others are refused, and so is whatever Linux adds.
final class CallFilter {
    private static final int LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private static final int AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
    private static final int EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private static final int AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    private static final int RETURN = 0x06; // BPF_RET | BPF_K
    private static final int KILL = 0x80000000; // SECCOMP_RET_KILL_PROCESS
    private static final int ERROR = 0x00050000; // SECCOMP_RET_ERRNO
    private static final int ALLOW = 0x7FFF0000; // SECCOMP_RET_ALLOW
    private static final int NUMBER_AT = 0; // of struct seccomp_data
    private static final int MACHINE_AT = 4;
    private static final int ARGUMENTS_AT = 16;
    private static final int LINE_BYTES = 8;
    private static final int X32 = 0x40000000;

    /// Calls from here on are so new that libraries ask for them on trial.
    private static final int NEW_CALLS = 424;

    static final int NOT_PERMITTED = 1; // EPERM
    static final int NO_SUCH_CALL = 38; // ENOSYS

    private final Machine machine;
    private final List<int[]> lines = new ArrayList<>();

    private CallFilter(Machine machine) {
        this.machine = machine;
    }

    /// Appends what installs it for the calling thread, and what that becomes.
    static void install(JailCalls calls, List<CallRule> rules) {
        var filter = new CallFilter(calls.list().machine());
        filter.build(rules);
        Data code = calls.list().data(filter.bytes());
        Data program = calls.list().longs(filter.lines.size(), 0).pointing(Long.BYTES, code);
        calls.need(JailStep.SECCOMP, "seccomp", 1, 0, program);
    }

    private void build(List<CallRule> rules) {
        add(LOAD, 0, 0, MACHINE_AT);
        add(EQUAL, 1, 0, machine.audit());
        add(RETURN, 0, 0, KILL);
        add(LOAD, 0, 0, NUMBER_AT);
        if (machine == Machine.X86_64) {
            add(AT_LEAST, 0, 1, X32);
            add(RETURN, 0, 0, ERROR | NO_SUCH_CALL);
        }
        for (CallRule rule : rules) {
            if (machine.has(rule.call())) {
                add(rule);
            }
        }
        add(AT_LEAST, 0, 1, NEW_CALLS);
        add(RETURN, 0, 0, ERROR | NO_SUCH_CALL);
        add(RETURN, 0, 0, ERROR | NOT_PERMITTED);
    }

    private void add(CallRule rule) {
        int answer = rule.errno() < 0 ? ALLOW : ERROR | rule.errno();
        int checks = rule.checks().stream().mapToInt(check -> check.values().size() + 3).sum();
        add(EQUAL, 0, checks + 1, machine.number(rule.call()));
        for (CallRule.Check check : rule.checks()) {
            // the lower half: both machines are little-endian, and the kernel takes no more of it
            add(LOAD, 0, 0, ARGUMENTS_AT + Long.BYTES * check.argument());
            add(AND, 0, 0, check.mask());
            for (int i = 0; i < check.values().size(); i++) {
                add(EQUAL, check.values().size() - i, 0, check.values().get(i));
            }
            add(RETURN, 0, 0, ERROR | check.errno());
        }
        add(RETURN, 0, 0, answer);
    }

    private void add(int code, int ifTrue, int ifFalse, int value) {
        lines.add(new int[] {code, ifTrue, ifFalse, value});
    }

    private byte[] bytes() {
        var whole = new byte[lines.size() * LINE_BYTES];
        ByteBuffer bytes = CallList.littleEndian(whole);
        for (int[] line : lines) {
            bytes.putShort((short) line[0]).put((byte) line[1]).put((byte) line[2]).putInt(line[3]);
        }
        return whole;
    }
}
