package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.OwnProgram;
import org.attune.cli.command.RankOptions;
import org.attune.cli.command.SecretWords;
import org.attune.cli.terminal.SignalHook;
import org.attune.error.ConfigException;
import org.attune.ranks.Launched;
import org.attune.ranks.RankProvider;

import picocli.CommandLine.Model.CommandSpec;

import java.io.PrintWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// A command with `--ranks`: starts itself as often as asked and waits for the end.
final class RankStart {
    private static final int MOST = 100_000;

    private final CommandSpec command;
    private final RankOptions options;

    RankStart(CommandSpec command, RankOptions options) {
        this.command = command;
        this.options = options;
    }

    /// Starts the ranks and waits.
    ///
    /// @param advice what can be done when the job has failed
    /// @return the exit code
    int run(Supplier<String> advice) {
        int ranks = count();
        PrintWriter err = command.commandLine().getErr();
        Map<String, String> variables = new HashMap<>(options.handedOn());
        List<String> arguments = command.root().commandLine().getParseResult().originalArgs();
        List<String> program = OwnProgram.words(RankOptions.without(arguments));
        List<String> words = SecretWords.hidden(program, variables);
        RankProvider.Job job =
                RankProvider.find("--ranks " + ranks)
                        .start(
                                ranks,
                                options.hosts.orElse(""),
                                words,
                                variables,
                                line -> {
                                    err.println(line);
                                    err.flush();
                                });
        int code = await(job);
        if (job.isStopping() && code == ExitCodes.DONE) {
            return ExitCodes.INTERRUPTED;
        }
        if (code != ExitCodes.DONE) {
            String reason = job.reason().isEmpty() ? "the launcher ended with code " + code : "";
            err.printf("attune: %s%s; all ranks have ended%n", job.reason(), reason);
            String advised = advice.get();
            if (!advised.isEmpty()) {
                err.println(advised);
            }
            err.flush();
        }
        return code;
    }

    private int count() {
        if (Launched.by(System.getenv()).isPresent()) {
            throw new ConfigException(
                    "--ranks: a launcher has started this process already; leave --ranks out, the"
                            + " launcher says how many there are");
        }
        int ranks =
                options.ranks.orElseThrow(
                        () -> new ConfigException("--hosts needs --ranks N, the number of all"));
        if (ranks < 1 || ranks > MOST) {
            throw new ConfigException(
                    "--ranks: %d is no number of processes; expected 1 to %d"
                            .formatted(ranks, MOST));
        }
        return ranks;
    }

    private static int await(RankProvider.Job job) {
        var hook = new Thread(job::end, "attune-job-end");
        Runtime.getRuntime().addShutdownHook(hook);
        try (var _ = SignalHook.on("INT", job::stop);
                var _ = SignalHook.on("TERM", job::stop)) {
            return job.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            job.end();
            return ExitCodes.FAILED;
        } finally {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }
}
