package org.attune.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

class LineProgramTest {
    private static final Path SHELL = Path.of("/bin/sh");

    @TempDir Path folder;

    private LineProgram start(String name, String script) throws Exception {
        assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL);
        return LineProgram.start(name, List.of(SHELL.toString(), "-c", script), folder);
    }

    private static void assertNoThreads(String name) throws InterruptedException {
        for (int i = 0; threads(name) > 0 && i < 200; i++) {
            Thread.sleep(10);
        }
        assertEquals(0, threads(name));
    }

    private static long threads(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(name))
                .count();
    }

    @Test
    void aProgramThatIsKilledLeavesNoThread() throws Exception {
        LineProgram program = start("killed", "read x; echo got $x; read y");
        program.send("a", () -> false);
        assertEquals("got a", program.receive(Duration.ofSeconds(60)));
        program.kill();
        assertNoThreads("killed");
    }

    @Test
    void aProgramThatEndsLeavesNoThread() throws Exception {
        LineProgram program = start("ended", "echo bye");
        assertEquals("bye", program.receive(Duration.ofSeconds(60)));
        assertNoThreads("ended");
    }
}
