package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.Method;
import org.attune.cli.config.RunConfigReader;
import org.attune.datasets.PackedRow;
import org.attune.datasets.PreferenceExample;
import org.attune.datasets.Preview;
import org.attune.files.HubCache;
import org.attune.trainers.config.DpoConfig;
import org.attune.trainers.config.ModelConfig;
import org.attune.trainers.config.SftConfig;
import org.attune.trainers.setup.ModelSetup;
import org.attune.trainers.setup.RowSetup;
import org.attune.trainers.setup.RunRows;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Function;

/// `attune preview RUN.yaml [key=value …]`
@Command(
        name = "preview",
        description =
                "Show a run's rows as the model will see them, the trained tokens marked, with"
                        + " counts of what is dropped and cut. Trains nothing.")
final class PreviewCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Option(
            names = {"-n", "--rows"},
            defaultValue = "3",
            description = "Rows to show (default: ${DEFAULT-VALUE}).")
    int rows;

    @Option(
            names = "--method",
            description = "sft or dpo (default: what the file's keys belong to, else its rows).")
    Method method;

    @Override
    public Integer call() {
        var reader = new RunConfigReader();
        Method chosen = method == null ? reader.methodOf(run.file, run.overrides) : method;
        if (chosen == Method.DPO) {
            LoadedRun<DpoConfig> loaded = reader.dpo(run.file, run.overrides);
            show(
                    loaded.config().model(),
                    loaded.environment().hubCache(),
                    setup -> setup.dpo(loaded.config()),
                    (Preview preview, PreferenceExample pair) -> preview.pair(pair));
        } else {
            LoadedRun<SftConfig> loaded = reader.sft(run.file, run.overrides);
            show(
                    loaded.config().model(),
                    loaded.environment().hubCache(),
                    setup -> setup.sft(loaded.config()),
                    (Preview preview, PackedRow row) -> preview.row(row));
        }
        return ExitCodes.DONE;
    }

    private <T> void show(
            ModelConfig config,
            HubCache hub,
            Function<RowSetup, RunRows<T>> prepare,
            BiFunction<Preview, T, String> shown) {
        PrintWriter out = spec.commandLine().getOut();
        Preview.Marks marks = RunScreen.isTerminal() ? Preview.Marks.ANSI : Preview.Marks.PLAIN;
        try (var model = ModelSetup.open(config.withoutAdapter(), hub)) {
            RunRows<T> prepared = prepare.apply(new RowSetup(model.text(), hub));
            var preview = new Preview(model.text().tokenizer(), marks);
            List<T> first = prepared.train().stream().limit(rows).toList();
            first.forEach(row -> out.println(shown.apply(preview, row)));
            out.print(preview.report(prepared.report()));
            out.flush();
        }
    }
}
