package org.attune.cli.progress;

import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.terminal.RunScreen;
import org.attune.cli.terminal.TextTable;
import org.attune.cli.terminal.VisibleText;
import org.attune.reward.Prompt;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.CompletionLogConfig;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// Prints completions of the newest round at every logged step: prompt, completion, each reward,
/// what rewards added, advantage. Which ones is drawn, by the step's number.
public final class CompletionsPrinter implements TrainingListener {
    private final RunScreen screen;
    private final CompletionLogConfig config;
    private Optional<CompletionTable> newest = Optional.empty();

    public CompletionsPrinter(RunScreen screen, CompletionLogConfig config) {
        this.screen = screen;
        this.config = config;
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        newest = Optional.of(table);
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        if (newest.isEmpty()) {
            return;
        }
        CompletionTable table = newest.get();
        int[] rows = rows(table, step);
        if (rows.length > 0) {
            screen.line(
                    "completions at step %d (%d of %d)"
                            .formatted(step, rows.length, table.batch().size()));
            screen.table(shown(table, rows));
        }
    }

    private int[] rows(CompletionTable table, int step) {
        int every = config.logUniquePrompts() ? table.generations() : 1;
        int[] all = IntStream.range(0, table.batch().size()).filter(i -> i % every == 0).toArray();
        int wanted = config.numCompletionsToPrint().orElse(all.length);
        if (wanted >= all.length) {
            return all;
        }
        PermutationSampler.shuffle(RandomSource.XO_SHI_RO_256_PP.create((long) step), all);
        int[] drawn = Arrays.copyOf(all, wanted);
        Arrays.sort(drawn); // completions of a prompt together
        return drawn;
    }

    private static TextTable shown(CompletionTable table, int[] rows) {
        List<TextTable.Column> columns = new ArrayList<>();
        columns.add(new TextTable.Column("prompt", false));
        columns.add(new TextTable.Column("completion", false));
        table.rewards().names().forEach(name -> columns.add(new TextTable.Column(name, true)));
        table.advantages().ifPresent(_ -> columns.add(new TextTable.Column("advantage", true)));
        Map<String, List<Object>> extras = table.rewards().extras();
        extras.keySet()
                .forEach(name -> columns.add(new TextTable.Column(VisibleText.of(name), false)));
        List<List<TextTable.Cell>> lines = new ArrayList<>();
        for (int i : rows) {
            OptionalDouble advantage =
                    table.advantages().stream().mapToDouble(values -> values[i]).findFirst();
            List<TextTable.Cell> cells = new ArrayList<>();
            cells.add(TextTable.Cell.of(question(table.batch().prompts().get(i))));
            cells.add(
                    new TextTable.Cell(
                            ShownCompletion.of(table.batch().completions().get(i)),
                            colour(advantage.orElse(0))));
            for (double reward : table.rewards().values()[i]) {
                cells.add(TextTable.Cell.of(number(reward)));
            }
            advantage.ifPresent(value -> cells.add(TextTable.Cell.of(number(value))));
            extras.values()
                    .forEach(
                            values ->
                                    cells.add(
                                            TextTable.Cell.of(
                                                    VisibleText.of(extra(values.get(i))))));
            lines.add(cells);
        }
        return new TextTable(columns, lines);
    }

    /// The last turn of a conversation, or the text.
    static String question(Prompt prompt) {
        return VisibleText.of(
                prompt.messages().isEmpty()
                        ? prompt.text()
                        : prompt.messages().getLast().content());
    }

    private static TextTable.Colour colour(double advantage) {
        if (advantage > 0) {
            return TextTable.Colour.GREEN;
        }
        return advantage < 0 ? TextTable.Colour.RED : TextTable.Colour.PLAIN;
    }

    static String number(double value) {
        return Double.isNaN(value) ? "none" : String.format(Locale.ROOT, "%.2f", value);
    }

    private static String extra(Object value) {
        return value == null ? "" : value.toString();
    }
}
