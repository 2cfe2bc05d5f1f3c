package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.command.ExitCodes;
import org.attune.testing.Hardware;
import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// `attune dpo run.yaml --ranks 2`: a rank is killed, the run goes on from its checkpoint, and ends
/// at the user's wish.
@Tag("ranks")
final class RankRunTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));

    @TempDir Path folder;

    private Process start(String... more) throws IOException {
        MpiRun.of(2); // skips where there is no launcher
        List<String> command = new ArrayList<>(ShortProgram.java());
        command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(Main.class.getName(), "dpo"));
        command.add(ROOT.resolve("examples/quickstart/dpo.yaml").toAbsolutePath().toString());
        command.addAll(List.of("--ranks", "2", "output_dir=" + folder, "logical_devices=2"));
        command.addAll(List.of("max_steps=5000", "logging_steps=1", "eval_strategy=no"));
        command.addAll(List.of("save_strategy=steps", "save_steps=2", "save_total_limit=2"));
        command.addAll(List.of("per_device_train_batch_size=2", "eval_datasets=null"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private void awaitCheckpoint(Process job, int step) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!Files.isDirectory(folder.resolve("checkpoint-" + step))) {
            assertTrue(System.nanoTime() < end && job.isAlive(), "no checkpoint " + step);
            Thread.sleep(20);
        }
    }

    private static void kill(String signal, long pid) throws Exception {
        assertEquals(0, new ProcessBuilder("kill", signal, "" + pid).start().waitFor());
    }

    /// The processes that compute.
    private static List<ProcessHandle> ranks(Process job) {
        return job.descendants()
                .filter(p -> p.info().command().orElse("").endsWith("/java"))
                .toList();
    }

    private static MpiRun.Result end(Process job) throws Exception {
        List<ProcessHandle> all = job.descendants().toList();
        MpiRun.Result result = MpiRun.await(job, PATIENCE);
        System.out.println(result.output());
        for (ProcessHandle process : all) {
            for (int tries = 0; tries < 100 && process.isAlive(); tries++) {
                Thread.sleep(100);
            }
            assertTrue(!process.isAlive(), "process " + process.pid() + " is still there");
        }
        return result;
    }

    @Test
    void killedRankIsNamedAndAnInterruptedRunCanGoOn() throws Exception {
        Process job = start();
        awaitCheckpoint(job, 2);
        List<ProcessHandle> ranks = ranks(job);
        assertEquals(2, ranks.size(), ranks.toString());
        kill("-KILL", ranks.getLast().pid());
        MpiRun.Result killed = end(job);
        assertNotEquals(0, killed.exitCode());
        String line =
                "attune: rank \\d on \\S+ was ended by signal 9 \\(Killed\\); all ranks have"
                    + " ended\n"
                    + "last whole checkpoint: \\S+/checkpoint-\\d+; to go on: attune dpo .* --ranks"
                    + " 2 .*resume=true";
        assertTrue(Pattern.compile(line).matcher(killed.output()).find(), killed.output());

        Hardware.requireInterrupts();
        int reached = newest();
        job = start("resume=true");
        awaitCheckpoint(job, reached + 4);
        kill("-INT", job.pid());
        MpiRun.Result stopped = end(job);
        assertEquals(ExitCodes.INTERRUPTED, stopped.exitCode(), stopped.output());
        assertTrue(stopped.output().contains("to go on: attune dpo"), stopped.output());
    }

    private int newest() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString())
                    .filter(name -> name.matches("checkpoint-\\d+"))
                    .mapToInt(name -> Integer.parseInt(name.substring("checkpoint-".length())))
                    .max()
                    .orElseThrow();
        }
    }
}
