package org.attune.cli.data;

import org.apache.commons.rng.sampling.ListSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.datasets.rows.Row;
import org.attune.error.ConfigException;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/// `attune data split FILE… --test 0.1 --out FOLDER`
@Command(
        name = "split",
        description = {
            "Divide rows into training and test rows.",
            "Rows with the same prompt stay together, so that no test row was trained on. Both"
                    + " files keep the rows' order."
        })
final class SplitCommand implements Callable<Integer> {
    private static final String SINGLE = "none";

    @Mixin CommonOptions common;
    @Mixin GivenFiles given;
    @Spec CommandSpec spec;

    @Option(
            names = "--test",
            required = true,
            paramLabel = "SIZE",
            description = "Test rows: a share in (0, 1), or their number.")
    double test;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FOLDER",
            description = "Gets train and test with the ending of the first file, or of --format.")
    Path out;

    @Option(
            names = "--format",
            paramLabel = "ENDING",
            description = "jsonl, json, csv, tsv or parquet, with .gz if wanted.")
    String format;

    @Option(
            names = "--by",
            paramLabel = "COLUMN",
            description =
                    "Rows with the same value here stay together (default: the prompt); none:"
                            + " rows are divided one by one.")
    String by;

    @Option(
            names = "--seed",
            defaultValue = "42",
            description = "Another one draws other test rows (default: 42).")
    long seed;

    @Override
    public Integer call() {
        String ending = ending();
        Path train = out.resolve("train." + ending);
        Path held = out.resolve("test." + ending);
        List.of(train, held).forEach(GivenFiles::requireNew);
        RowWriter.of(train);
        Map<RowText.Key, List<Integer>> groups = new LinkedHashMap<>();
        var rows = new int[1];
        given.forEach(
                row ->
                        groups.computeIfAbsent(key(row, rows[0]), _ -> new ArrayList<>())
                                .add(rows[0]++));
        long wanted = wanted(rows[0]);
        BitSet chosen = chosen(new ArrayList<>(groups.values()), wanted, rows[0]);
        RowWriter.write(train, to -> given.forEach(number -> !chosen.get(number), to));
        RowWriter.write(held, to -> given.forEach(chosen::get, to));
        PrintWriter printed = spec.commandLine().getOut();
        printed.println("%s: %d rows".formatted(train, rows[0] - chosen.cardinality()));
        printed.println(
                "%s: %d rows%s"
                        .formatted(
                                held,
                                chosen.cardinality(),
                                chosen.cardinality() == wanted
                                        ? ""
                                        : ", not %d: groups stay whole".formatted(wanted)));
        printed.println("%d rows in %d groups".formatted(rows[0], groups.size()));
        printed.flush();
        return ExitCodes.DONE;
    }

    private String ending() {
        if (format != null) {
            return format;
        }
        String name = given.files.getFirst().getFileName().toString();
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
        return name.substring(plain.lastIndexOf('.') + 1);
    }

    private RowText.Key key(Row row, int number) {
        if (by == null) {
            return RowText.Key.of(RowText.prompt(row));
        }
        return by.equals(SINGLE)
                ? new RowText.Key(0, number)
                : RowText.Key.of(RowText.of(row, List.of(by)));
    }

    private long wanted(int rows) {
        if (!(test > 0) || test >= 1 && test != Math.rint(test)) {
            throw new ConfigException(
                    "--test is %s; accepted: a share between 0 and 1, or a number of rows"
                            .formatted(test));
        }
        long wanted = test < 1 ? (long) Math.ceil(test * rows) : (long) test;
        if (wanted >= rows) {
            throw new ConfigException(
                    "--test %s would take %d of %d rows; nothing would be left to train on"
                            .formatted(test, wanted, rows));
        }
        return wanted;
    }

    /// Whole groups, drawn at random, as long as they fit.
    private BitSet chosen(List<List<Integer>> groups, long wanted, int rows) {
        ListSampler.shuffle(RandomSource.XO_SHI_RO_256_PP.create(seed), groups);
        var chosen = new BitSet();
        long count = 0;
        for (List<Integer> group : groups) {
            if (count + group.size() <= wanted) {
                group.forEach(chosen::set);
                count += group.size();
            }
        }
        if (count == 0) {
            throw new ConfigException(
                    "--test: no group has at most %d of the %d rows; ask for more, or use --by none"
                            .formatted(wanted, rows));
        }
        return chosen;
    }
}
