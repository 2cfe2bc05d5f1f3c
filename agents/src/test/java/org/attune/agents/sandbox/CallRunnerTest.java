package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

class CallRunnerTest {
    private record Made(String output, byte[] reported, int exit) {}

    private static Made make(JailCalls calls, Consumer<JailCalls> what) throws Exception {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        what.accept(calls);
        calls.finish();
        var kernel = new Kernel(Machine.here().get());
        try (CallRunner runner = CallRunner.make(kernel)) {
            Process process = new ProcessBuilder(runner.path()).start();
            try (var out = process.getOutputStream()) {
                calls.list().write(out);
            }
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            byte[] reported = process.getErrorStream().readAllBytes();
            return new Made(output, reported, process.waitFor());
        }
    }

    private static JailCalls calls() {
        return new JailCalls(new CallList(Machine.here().orElse(Machine.X86_64)));
    }

    @Test
    void answersAreArgumentsOfLaterCalls() throws Exception {
        Made made =
                make(
                        calls(),
                        calls -> {
                            var copy = calls.may("dup", 1);
                            calls.may("write", copy.result(), "text\n", 5);
                            calls.may("exit_group", 3);
                        });
        assertEquals("text\n", made.output());
        assertEquals(3, made.exit());
    }

    @Test
    void whatFailsIsReportedAndEndsIt() throws Exception {
        JailCalls calls = calls();
        Made made =
                make(
                        calls,
                        to -> {
                            to.need(JailStep.EXEC, "chdir", "/");
                            to.need(JailStep.LIMITS, "chdir", "/nowhere/at/all");
                            to.may("write", 1, "not reached\n", 12);
                        });
        assertEquals("", made.output());
        JailException e =
                assertThrows(JailException.class, () -> calls.exit(made.reported(), made.exit()));
        assertEquals(JailStep.LIMITS, e.step());
        assertEquals("chdir: errno 2", e.getMessage());
    }

    @Test
    void attemptsThatFailSayNothing() throws Exception {
        Made made =
                make(
                        calls(),
                        calls -> {
                            calls.attempt("one\n", "chdir", "/nowhere/at/all");
                            calls.attempt("two\n", "chdir", "/");
                            calls.may("exit_group", 0);
                        });
        assertEquals("two\n", made.output());
    }

    @Test
    void theEndOfAWatchedProcessIsKnownAmongOrphans() throws Exception {
        JailCalls calls = calls();
        Made made =
                make(
                        calls,
                        to -> {
                            to.inNewProcess(JailStep.EXEC);
                            to.inWatchedProcess(JailStep.EXEC);
                            to.may("exit_group", 42);
                        });
        assertEquals(42, calls.exit(made.reported(), made.exit()));
        JailCalls killed = calls();
        Made ended =
                make(
                        killed,
                        to -> {
                            to.inWatchedProcess(JailStep.EXEC);
                            var self = to.may("getpid");
                            to.may("kill", self.result(), 9);
                        });
        assertEquals(128 + 9, killed.exit(ended.reported(), ended.exit()));
    }

    @Test
    void aListThatIsTooLongIsRefused() {
        var list = new CallList(Machine.X86_64);
        list.call("write", 1, list.data(new byte[40 << 20]), 1);
        assertThrows(IOException.class, () -> list.write(java.io.OutputStream.nullOutputStream()));
    }

    @Test
    void bothMachinesHaveAProgramOfTheirOwn() {
        for (Machine machine : Machine.values()) {
            ByteBuffer program =
                    ByteBuffer.wrap(CallRunner.program(machine)).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(0x464C457F, program.getInt(0));
            assertEquals(machine == Machine.X86_64 ? 62 : 183, program.getShort(18));
            long entry = program.getLong(24);
            assertEquals(0x1000_0000L + 64 + 3 * 56, entry);
            int first = program.getInt(64 + 3 * 56);
            assertEquals(machine == Machine.X86_64 ? 0x00BEFF31 : 0xD2A40013, first);
        }
    }
}
