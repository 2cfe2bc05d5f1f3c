package org.attune.cli.data;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;

/// `attune data dedup FILE… [--near 0.8] [--out FILE]`
@Command(
        name = "dedup",
        description = {
            "Find rows that say the same, and write the others.",
            "Rows are the same if their texts are, but for upper case, blanks and forms of"
                    + " characters. The first of them stays."
        })
final class DedupCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin GivenFiles given;
    @Spec CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Write the rows that stay; without it they are only counted.")
    Path out;

    @Option(
            names = "--columns",
            split = ",",
            paramLabel = "NAME,NAME",
            description = "Compare these columns alone (default: all).")
    List<String> columns = new ArrayList<>();

    @Option(
            names = "--near",
            paramLabel = "J",
            description =
                    "Rows are also the same if an index of J of their runs of words are equal"
                            + " (Jaccard), in (0, 1]; 0.8 is usual. It is estimated by MinHash.")
    Double near;

    @Option(
            names = "--permutations",
            defaultValue = "128",
            paramLabel = "N",
            description =
                    "Minima of a row for --near (default: 128, which errs by 0.035 at 0.8); more"
                            + " err less and take longer.")
    int permutations;

    @Option(
            names = "--words",
            defaultValue = "5",
            paramLabel = "N",
            description = "Words of a run for --near (default: 5).")
    int words;

    @Option(
            names = {"-n", "--show"},
            defaultValue = "5",
            paramLabel = "N",
            description = "Duplicates to show (default: 5).")
    int shown;

    private final Map<RowText.Key, String> places = new HashMap<>();
    private final List<String> nearPlaces = new ArrayList<>();
    private final BitSet stays = new BitSet();
    private int rows;
    private int exact;
    private int similar;

    @Override
    public Integer call() {
        check();
        Optional<NearTexts> texts =
                near == null
                        ? Optional.empty()
                        : Optional.of(new NearTexts(near, permutations, words));
        PrintWriter to = spec.commandLine().getOut();
        given.forEach(row -> see(row, texts, to));
        int left = rows - exact - similar;
        if (out != null) {
            RowWriter.write(out, file -> given.forEach(stays::get, file));
        }
        to.println(
                "%d rows: %d exact duplicates%s, %d stay%s"
                        .formatted(
                                rows,
                                exact,
                                near == null
                                        ? ""
                                        : ", %d near ones (index >= %s of runs of %d words, %d permutations)"
                                                .formatted(similar, near, words, permutations),
                                left,
                                out == null ? "; --out writes them" : ", in " + out));
        to.flush();
        return ExitCodes.DONE;
    }

    private void check() {
        if (near != null && !(near > 0 && near <= 1)) {
            throw new ConfigException("--near is %s; accepted: a number in (0, 1]".formatted(near));
        }
        if (permutations < 1 || permutations > 4096 || words < 1) {
            throw new ConfigException(
                    "--permutations is %d and --words %d; accepted: 1 to 4096, and at least 1"
                            .formatted(permutations, words));
        }
        if (out != null) {
            GivenFiles.requireNew(out);
            RowWriter.of(out);
        }
    }

    private void see(Row row, Optional<NearTexts> texts, PrintWriter to) {
        int number = rows++;
        String text = RowText.of(row, columns);
        String where = row.origin().where();
        String before = places.putIfAbsent(RowText.Key.of(text), where);
        if (before != null) {
            exact++;
            show(to, "%s is %s again".formatted(where, before));
            return;
        }
        OptionalInt like = texts.map(all -> all.find(text)).orElseGet(OptionalInt::empty);
        if (like.isPresent()) {
            similar++;
            show(to, "%s is nearly %s".formatted(where, nearPlaces.get(like.getAsInt())));
            return;
        }
        if (texts.isPresent()) {
            nearPlaces.add(where);
        }
        stays.set(number);
    }

    private void show(PrintWriter to, String line) {
        if (exact + similar <= shown) {
            to.println(line);
        }
    }
}
