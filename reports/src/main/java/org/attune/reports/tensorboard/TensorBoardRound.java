package org.attune.reports.tensorboard;

import org.attune.error.Excerpt;
import org.attune.trainers.loop.CompletionTable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What TensorBoard shows of a round of completions: the first few as a table, and how rewards and
/// lengths are spread.
final class TensorBoardRound {
    private static final int SHOWN = 8;
    private static final int LONGEST = 1000;

    private TensorBoardRound() {}

    /// A table in Markdown.
    static String table(CompletionTable round) {
        List<String> names = round.rewards().names();
        var text = new StringBuilder("| prompt | completion |");
        names.forEach(name -> text.append(' ').append(cell(name)).append(" |"));
        round.advantages().ifPresent(_ -> text.append(" advantage |"));
        int columns = names.size() + 2 + (round.advantages().isPresent() ? 1 : 0);
        text.append("\n|").append("---|".repeat(columns)).append('\n');
        int rows = Math.min(SHOWN, round.batch().size());
        for (int i = 0; i < rows; i++) {
            text.append("| ").append(cell(round.batch().prompts().get(i).text())).append(" | ");
            text.append(cell(round.batch().completions().get(i).text())).append(" |");
            for (int f = 0; f < names.size(); f++) {
                text.append(" %.4g |".formatted(round.rewards().column(f)[i]));
            }
            int row = i;
            round.advantages().ifPresent(a -> text.append(" %.4g |".formatted(a[row])));
            text.append('\n');
        }
        return text.toString();
    }

    /// Histograms by name: the weighted sum of rewards, each reward, lengths in tokens.
    static Map<String, double[]> numbers(CompletionTable round) {
        Map<String, double[]> numbers = new LinkedHashMap<>();
        int rows = round.batch().size();
        numbers.put(
                "reward", IntStream.range(0, rows).mapToDouble(round.rewards()::total).toArray());
        List<String> names = round.rewards().names();
        for (int f = 0; f < names.size(); f++) {
            numbers.put("rewards/" + names.get(f), round.rewards().column(f));
        }
        numbers.put(
                "completions/length",
                round.batch().completions().stream().mapToDouble(c -> c.tokens().length).toArray());
        return numbers;
    }

    /// Text that stays in its cell.
    private static String cell(String text) {
        return Excerpt.begin(text, LONGEST)
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace("|", "&#124;")
                .replace("\r", "")
                .replace("\n", "<br>");
    }
}
