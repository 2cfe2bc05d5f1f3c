package org.attune.cli.runs;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.error.ConfigException;
import org.attune.reports.page.ReportPage;
import org.attune.reports.runs.FoundRun;
import org.attune.trainers.run.Methods;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/// `attune report RUN [RUN …] --out FILE`
@Command(
        name = "report",
        description = {
            "Write one HTML file about a run, or about several side by side.",
            "It needs no network; every run writes its own as report.html."
        })
public final class ReportCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "RUN", description = "Folders of runs (output_dir).")
    List<Path> runs;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            defaultValue = ReportPage.NAME,
            description = "The file (default: ${DEFAULT-VALUE}).")
    Path out;

    @Override
    public Integer call() {
        for (Path run : runs) {
            requireRun(run);
        }
        try {
            ReportPage.write(runs, names(runs), Methods::defaults, out);
            spec.commandLine()
                    .getOut()
                    .println(String.format(Locale.ROOT, "%s, %,d bytes", out, Files.size(out)));
        } catch (IOException e) {
            throw new ConfigException("--out: %s can't be written: %s".formatted(out, e), e);
        }
        return ExitCodes.DONE;
    }

    private static void requireRun(Path run) {
        try {
            if (!Files.isDirectory(run) || FoundRun.in(run, Instant.now()).isEmpty()) {
                throw new ConfigException(
                        "%s holds no run; name a run's output_dir, in which run.json or metrics.jsonl stands (attune runs FOLDER lists them)"
                                .formatted(run));
            }
        } catch (IOException e) {
            throw new ConfigException("%s can't be read: %s".formatted(run, e.getMessage()), e);
        }
    }

    /// The names of the runs' folders, or the paths as they were given where names are the same.
    static List<String> names(List<Path> runs) {
        List<String> names = new ArrayList<>();
        for (Path run : runs) {
            names.add(run.toAbsolutePath().normalize().getFileName().toString());
        }
        boolean alike = names.stream().distinct().count() < names.size();
        return alike ? runs.stream().map(Path::toString).toList() : names;
    }
}
