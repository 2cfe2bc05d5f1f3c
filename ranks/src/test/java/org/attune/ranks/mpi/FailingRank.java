package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched;
import org.attune.ranks.RankAgreement;
import org.attune.ranks.RankSum;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/// The program of a rank that talks to the others, without tensors, until rank 2 goes in the way it
/// is told.
final class FailingRank {
    private static final int LAST_STEP = 400;

    private FailingRank() {}

    /// @param args way, step in which it happens, limit of waiting in seconds, folder
    public static void main(String[] args) {
        Launched launched = Launched.by(System.getenv()).orElseThrow();
        Path folder = Path.of(args[3]);
        write(folder.resolve("pid-" + launched.rank()), ProcessHandle.current().pid());
        MpiCollective ranks = MpiCollective.join(launched, System.getenv(), RankSum.FIXED);
        var watch =
                new RankWatch(
                        ranks,
                        ranks.place(),
                        new RankMarks(folder.resolve("marks")),
                        Duration.ofSeconds(Integer.parseInt(args[2])),
                        () -> true,
                        FailingRank::end);
        try {
            work(ranks, args[0], Integer.parseInt(args[1]));
        } catch (RuntimeException e) {
            System.out.println(ranks.where(ranks.rank()) + ": " + e.getMessage());
            ranks.abort(1);
        }
        watch.close();
        ranks.close();
        System.exit(0);
    }

    private static void end(String reason) {
        System.out.println("attune: " + reason);
        Runtime.getRuntime().halt(75);
    }

    private static void work(MpiCollective ranks, String way, int when) {
        String data = way.equals("data") && ranks.rank() == 2 ? "9a8b" : "1f2e";
        RankAgreement.require(ranks, Map.of("data: train.jsonl", data));
        for (int step = 1; step <= LAST_STEP; step++) {
            ranks.enter(step);
            if (step == when && ranks.rank() == 2) {
                go(way);
            }
            ranks.allGather("gradients", new byte[10_000]);
        }
    }

    private static void write(Path file, long pid) {
        try {
            Files.writeString(file, Long.toString(pid));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void go(String way) {
        switch (way) {
            case "kill" -> signal("-KILL");
            case "stop" -> signal("-STOP");
            case "throw" -> throw new CollectiveException("thrown on purpose");
            case "exit" -> Runtime.getRuntime().halt(3);
            default -> {}
        }
    }

    private static void signal(String name) {
        try {
            String pid = Long.toString(ProcessHandle.current().pid());
            new ProcessBuilder("kill", name, pid).start().waitFor();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
