package org.attune.agents.sandbox;

import org.attune.agents.sandbox.CallList.Call;
import org.attune.agents.sandbox.CallList.Data;
import org.attune.agents.sandbox.CallList.Place;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/// Calls that must succeed, and the report of one that didn't. Reports go to a copy of the second
/// output, which the program doesn't get: it can't write one.
final class JailCalls {
    private static final long ERRORS = 2;
    private static final int REPORT_AT = 64;
    private static final int COPY_DESCRIPTOR = 1030; // F_DUPFD_CLOEXEC
    private static final int REPORT_BYTES = 16;
    private static final int STATUS_BYTES = 4;
    private static final int FAILED = 127;
    private static final int SIGNAL = 128;
    private static final long FAULT = 14; // EFAULT

    private final CallList list;
    private final List<Needed> needed = new ArrayList<>();
    private final Call report;

    private record Needed(JailStep step, String name, Call call, Data slot) {}

    JailCalls(CallList list) {
        this.list = list;
        this.report = list.call("fcntl", ERRORS, COPY_DESCRIPTOR, REPORT_AT);
    }

    CallList list() {
        return list;
    }

    /// A call that may fail.
    Call may(String name, Object... arguments) {
        return list.call(name, arguments);
    }

    /// A call without which there is no jail.
    Call need(JailStep step, String name, Object... arguments) {
        Data slot = list.longs(-FAULT, needed.size());
        Call call = list.call(name, arguments).into(slot.at(0));
        needed.add(new Needed(step, name, call, slot));
        return call;
    }

    /// A new process, in which the next calls are made. This one waits for its end, and ends too.
    void inNewProcess(JailStep step) {
        Call fork = need(step, "clone", 17); // SIGCHLD
        Call wait = list.call("wait4", fork.result(), 0, 0x40000000); // __WALL
        Call end = list.call("exit_group", 0);
        fork.onAbove(wait).onZero(list.call("getpid"));
        wait.onBelow(end).onAbove(end).onZero(end);
    }

    /// A new process, in which the next calls are made. This one ends with it, after it has
    /// reported how; until then it lets the orphans of that process go.
    void inWatchedProcess(JailStep step) {
        Data status = list.longs(0);
        Call fork = need(step, "clone", 17);
        // a child has ended, and is still there
        Call any = list.call("waitid", 0, 0, 0, 0x01000004); // P_ALL, WEXITED | WNOWAIT
        Call first = list.call("wait4", fork.result(), status, 1); // WNOHANG
        Call other = list.call("wait4", -1, status, 1);
        // that may have been the one, in which case it is no child any more
        Call again = list.call("wait4", fork.result(), status, 1);
        Call tell = list.call("write", report.result(), status, STATUS_BYTES);
        list.call("exit_group", 0);
        first.onAbove(tell).onBelow(tell).onZero(other);
        again.onAbove(tell).onBelow(tell).onZero(any);
        fork.onAbove(any).onZero(list.call("getpid"));
    }

    /// A call that should fail. If it doesn't, a text is written to the first output.
    ///
    /// @return the call, whose answer tells
    Call attempt(String told, String name, Object... arguments) {
        Call call = list.call(name, arguments);
        list.call("write", 1, told, told.length());
        call.onBelow(list.call("getpid"));
        return call;
    }

    /// Starts processes that do nothing, and writes a character for each of them.
    void startMany(int count, String told) {
        List<Call> forks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            forks.add(list.call("clone", 17));
            list.call("write", 1, told, told.length());
        }
        list.call("write", 1, "\n", 1);
        Call wait = list.call("ppoll", 0, 0, 0, 0, 0);
        forks.forEach(fork -> fork.onZero(wait));
        for (int i = 0; i + 1 < count; i++) {
            forks.get(i).onBelow(forks.get(i + 1));
        }
    }

    /// Ends this process if the other end of a pipe is closed.
    void endIfClosed(Place pipe) {
        Data polled = list.longs(0);
        list.call("dup", pipe).into(polled.at(0));
        Call poll = list.call("ppoll", polled, 1, list.longs(0, 0), 0, 0);
        Call end = list.call("exit_group", FAILED);
        poll.onZero(list.call("close", polled.at(0))).onBelow(end);
    }

    /// Ends the list of calls. To be called after the last call.
    void finish() {
        list.call("exit_group", FAILED);
        for (Needed one : needed) {
            one.call.onBelow(list.call("write", report.result(), one.slot, REPORT_BYTES));
            list.call("exit_group", FAILED);
        }
    }

    /// The program's exit code.
    ///
    /// @param written to the second output
    /// @param exit of the process that made the calls
    /// @throws JailException if a needed call failed
    int exit(byte[] written, int exit) {
        ByteBuffer bytes = ByteBuffer.wrap(written).order(ByteOrder.LITTLE_ENDIAN);
        if (written.length >= REPORT_BYTES) { // maybe with the status of a process that wrote it
            long answer = bytes.getLong();
            Needed failed = needed.get((int) bytes.getLong());
            throw new JailException(failed.step, "%s: errno %d".formatted(failed.name, -answer));
        }
        if (written.length != STATUS_BYTES) {
            return exit;
        }
        int status = bytes.getInt();
        int signal = status & 0x7F;
        return signal == 0 ? status >> 8 & 0xFF : SIGNAL + signal;
    }
}
