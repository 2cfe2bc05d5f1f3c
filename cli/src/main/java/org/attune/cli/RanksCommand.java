package org.attune.cli;

import org.attune.cli.launch.MpiLauncher;
import org.attune.error.ConfigException;
import org.attune.ranks.Launched;
import org.attune.ranks.MpiCollective;
import org.attune.ranks.RankCarrier;
import org.attune.ranks.RankSum;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
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
        Optional<Launched> launched = Launched.by(System.getenv());
        if (launched.isPresent()) {
            Engine.run(() -> show(launched.get(), out));
        } else {
            MpiLauncher launcher = MpiLauncher.find(System.getenv());
            out.printf("%s: %s%n", launcher.file(), launcher.version());
            out.printf("%d cores%n", Runtime.getRuntime().availableProcessors());
            out.println("to see ranks at work: attune ranks --ranks 2");
        }
        out.flush();
        return ExitCodes.DONE;
    }

    private void show(Launched launched, PrintWriter out) {
        Map<String, String> environment = System.getenv();
        Device device = Device.parse("auto");
        try (var all = MpiCollective.join(launched, environment, RankSum.FIXED);
                var library = all.part(0, RankSum.LIBRARY)) {
            out.printf("%s, %d ranks%n", all.library(), all.size());
            byte[] mine = about(device).getBytes(StandardCharsets.UTF_8);
            byte[][] theirs = all.allGather("who is there", mine);
            for (int rank = 0; rank < theirs.length; rank++) {
                String words = new String(theirs[rank], StandardCharsets.UTF_8);
                out.printf("  %-24s %s%n", all.where(rank), words);
            }
            out.flush();
            List<String> lines = new RankMeasures(all, Device.cpu()).lines(library, mebibytes);
            lines.forEach(line -> out.println("  " + line));
            if (device.isGpu()) {
                showGpus(all, device, out);
            }
            out.flush();
        }
    }

    private static String about(Device device) {
        return "%d of %d cores, process %d%s"
                .formatted(
                        Engine.threads(),
                        Runtime.getRuntime().availableProcessors(),
                        ProcessHandle.current().pid(),
                        device.isGpu() ? ", " + device : "");
    }

    /// What numbers on GPUs take, by what would carry them in a run.
    private void showGpus(MpiCollective all, Device device, PrintWriter out) {
        var carrier = carrier(all, device, RankSum.FIXED);
        try (var fixed = carrier.ranks();
                var library = carrier(all, device, RankSum.LIBRARY).ranks()) {
            out.println(carrier.said().orElse("numbers between GPUs"));
            List<String> lines = new RankMeasures(fixed, device).lines(library, mebibytes);
            lines.forEach(line -> out.println("  " + line));
        }
    }

    private static RankCarrier carrier(MpiCollective all, Device device, RankSum sum) {
        return RankCarrier.join(all.part(0, sum), device, Optional.empty(), sum);
    }
}
