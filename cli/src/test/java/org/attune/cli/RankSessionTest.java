package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.ranks.RankSession;
import org.attune.ranks.RankSum;
import org.attune.tensor.Device;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A run of one process looks for no other.
final class RankSessionTest {
    @Test
    void oneProcessLoadsNothingOfMpi() throws Exception {
        List<String> command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-verbose:class",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Alone.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        byte[] bytes = process.getInputStream().readAllBytes();
        String said = new String(bytes, StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertTrue(said.contains("org.attune.ranks.SingleProcess"), "classes are listed");
        List<String> loaded =
                said.lines()
                        .filter(line -> line.matches(".* org\\.attune\\.tensor\\.(mpi|nccl)\\..*"))
                        .toList();
        assertEquals(List.of(), loaded);
    }

    /// All that a run does with its session.
    static final class Alone {
        private Alone() {}

        static void main(String... args) {
            RankSession session = RankSession.open(RankSum.FIXED);
            session.agree(() -> Map.of("version", "1"));
            session.watch(Path.of("out"), Duration.ofSeconds(10), System.err::println);
            session.carry(Device::cpu, Optional.empty(), true);
            session.place();
            session.leave();
            session.abandon();
            session.abort(1);
        }
    }
}
