package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.RankOptions;
import org.attune.error.ConfigException;
import org.attune.ranks.Launched;
import org.attune.ranks.RankProvider;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune ranks`
@Command(
        name = "ranks",
        description = {
            "Show processes that would share a run, and their speed.",
            "With --ranks N, or under mpirun or srun; else only what there is to start them."
        })
final class RanksCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin RankOptions ranks;
    @Spec CommandSpec spec;

    @Option(
            names = "--mib",
            paramLabel = "N",
            defaultValue = "64",
            description = "Move so many MiB when measuring (default ${DEFAULT-VALUE}).")
    int mebibytes;

    @Override
    public Integer call() {
        if (mebibytes < 1 || mebibytes > 1024) {
            throw new ConfigException("--mib: " + mebibytes + "; expected 1 to 1024");
        }
        if (ranks.areAsked()) {
            return new RankStart(spec, ranks).run(() -> "");
        }
        PrintWriter out = spec.commandLine().getOut();
        RankProvider provider = RankProvider.find("attune ranks");
        Optional<Launched> launched = Launched.by(System.getenv());
        if (launched.isPresent()) {
            Engine.run(() -> provider.measure(launched.get(), mebibytes, line -> print(line, out)));
        } else {
            print(provider.launcher(), out);
            print(Runtime.getRuntime().availableProcessors() + " cores", out);
            print("to see ranks at work: attune ranks --ranks 2", out);
        }
        return ExitCodes.DONE;
    }

    private static void print(String line, PrintWriter out) {
        out.println(line);
        out.flush();
    }
}
