package org.attune.cli.data;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.attune.hub.HubDownload;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;

/// `attune data inspect FILE…`
@Command(
        name = "inspect",
        description = {
            "Show what is in files: rows, columns, lengths, duplicates, and who learns from it.",
            "attune preview shows the rows of a run as its model sees them."
        })
final class InspectCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin GivenFiles given;
    @Spec CommandSpec spec;

    private final Map<String, ColumnFacts> columns = new LinkedHashMap<>();
    private final Set<RowText.Key> different = new HashSet<>();
    private int rows;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        for (Path file : given.files) {
            out.println("%s: %s".formatted(file, readAs(file)));
        }
        given.forEach(this::see);
        out.println(
                "%d rows, of which %d repeat another (attune data dedup)"
                        .formatted(rows, rows - different.size()));
        columns.forEach(
                (name, facts) -> out.println("  %s: %s".formatted(name, facts.words(rows))));
        out.flush();
        return ExitCodes.DONE;
    }

    private void see(Row row) {
        rows++;
        different.add(RowText.Key.of(RowText.of(row, List.of())));
        row.columns()
                .forEach(
                        (name, value) ->
                                columns.computeIfAbsent(name, _ -> new ColumnFacts()).see(value));
    }

    private static DatasetType typeOf(DataConfig data, Set<DatasetType> preferred) {
        return RowSetup.typeOf(data, HubDownload.cache(), preferred);
    }

    private static boolean suits(DataConfig data, Set<DatasetType> types) {
        return types.stream().anyMatch(typeOf(data, types)::holds);
    }

    private static String readAs(Path file) {
        try {
            DataConfig data = DataConfig.of(file.toString());
            DatasetType type = typeOf(data, EnumSet.allOf(DatasetType.class));
            List<String> methods =
                    Methods.all().stream()
                            .filter(method -> suits(data, method.rows()))
                            .map(TrainingMethod::name)
                            .toList();
            return "rows of the type %s, for %s".formatted(type.key(), String.join(", ", methods));
        } catch (DatasetException e) {
            return "no method reads it as it is: " + e.getMessage();
        }
    }
}
