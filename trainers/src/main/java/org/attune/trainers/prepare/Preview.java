package org.attune.trainers.prepare;

import org.attune.datasets.rows.RowOrigin;
import org.attune.files.GivenPath;
import org.attune.images.SeenPicture;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.prepare.PreparationReport.Dropped;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;

/// Shows prepared rows to a person: the text as the model sees it, special tokens included, with
/// the tokens that count in the loss marked.
public final class Preview {
    private static final int LISTED = 20;

    private final Tokenizer tokenizer;
    private final Marks marks;

    /// @param tokenizer the one that made the ids; borrowed
    /// @param marks     how trained tokens stand out
    public Preview(Tokenizer tokenizer, Marks marks) {
        this.tokenizer = tokenizer;
        this.marks = marks;
    }

    /// How trained tokens stand out.
    public enum Marks {
        /// `⟦` and `⟧` around them: for files and pipes.
        PLAIN("⟦", "⟧", "", ""),
        /// Green text: for terminals.
        ANSI("\u001b[32m", "\u001b[0m", "\u001b[1m", "\u001b[0m");

        private final String open;
        private final String close;
        private final String openHeading;
        private final String closeHeading;

        Marks(String open, String close, String openHeading, String closeHeading) {
            this.open = open;
            this.close = close;
            this.openHeading = openHeading;
            this.closeHeading = closeHeading;
        }
    }

    /// One row: a heading with place, tokens and trained tokens for each of its documents, and
    /// its text.
    public String row(PackedRow row) {
        var parts = new ArrayList<String>();
        if (row.documents().size() > 1) {
            parts.add(
                    heading(
                            "packed row: %d documents, %d tokens, %d trained"
                                    .formatted(
                                            row.documents().size(),
                                            row.length(),
                                            row.trainedTokens())));
        }
        for (SftExample document : row.documents()) {
            parts.add(
                    heading(
                            "%s: %d tokens, %d trained%s"
                                    .formatted(
                                            where(document.origin()),
                                            document.length(),
                                            document.trainedTokens(),
                                            weights(document))));
            parts.add(
                    weightedText(
                            document.ids(),
                            i -> i > 0 && document.completionMask()[i] ? document.weight(i) : 0));
        }
        return String.join("\n", parts) + "\n";
    }

    private static String where(RowOrigin origin) {
        String file = GivenPath.fromHere(Path.of(origin.file())).toString();
        return new RowOrigin(file, origin.line(), origin.row()).where();
    }

    private static String weights(SftExample document) {
        return document.isWeighted()
                ? String.format(Locale.ROOT, " with the weight %.4g", document.trainedWeight())
                : "";
    }

    /// One pair: the prompt once, then both completions.
    public String pair(PreferenceExample pair) {
        return pair(pair, "", _ -> false);
    }

    /// One pair with what is imitated beside it: of the prompt too, if its tokens are, or a third
    /// answer below.
    public String imitation(ImitationPair row) {
        CompletionTokens imitated = row.imitated();
        if (!row.third()) {
            return pair(row.pair(), "", i -> i > 0 && i >= imitated.completionStart());
        }
        int tokens = imitated.length() - imitated.completionStart();
        return pair(row.pair(), ", reference " + tokens, _ -> false)
                + side("reference", imitated, samePrompt(row.pair()))
                + "\n";
    }

    private static boolean samePrompt(PreferenceExample pair) {
        return Arrays.equals(pair.chosen().promptIds(), pair.rejected().promptIds());
    }

    private String pair(PreferenceExample pair, String counts, IntPredicate promptTrained) {
        int[] prompt = pair.chosen().promptIds();
        boolean samePrompt = samePrompt(pair);
        var parts = new ArrayList<String>();
        parts.add(
                heading(
                        "%s: prompt %d tokens, chosen %d, rejected %d%s"
                                .formatted(
                                        where(pair.origin()),
                                        prompt.length,
                                        pair.chosen().length() - prompt.length,
                                        pair.rejected().length()
                                                - pair.rejected().completionStart(),
                                        counts)));
        if (samePrompt) {
            parts.add(text(prompt, promptTrained));
        }
        parts.add(side("chosen", pair.chosen(), samePrompt));
        parts.add(side("rejected", pair.rejected(), samePrompt));
        return String.join("\n", parts) + "\n";
    }

    /// One pair of a reward model: as [#pair], with its margin if it has one. What is marked is
    /// what the two scores tell apart.
    public String rewardPair(RewardExample row) {
        String shown = pair(row.pair());
        return row.margin() == 0 ? shown : shown + "margin " + row.margin() + "\n";
    }

    /// One labelled completion, with the completion marked and its label below.
    public String labelled(UnpairedExample row) {
        return completion(row.tokens(), row.origin())
                + heading("label")
                + "\n"
                + row.desirable()
                + "\n";
    }

    /// One prompt with its completion, which is marked.
    public String completion(CompletionExample row) {
        return completion(row.tokens(), row.origin());
    }

    private String completion(CompletionTokens tokens, RowOrigin origin) {
        int start = tokens.completionStart();
        return String.join(
                        "\n",
                        heading(
                                "%s: prompt %d tokens, completion %d"
                                        .formatted(where(origin), start, tokens.length() - start)),
                        text(tokens.ids(), tokens::isTrained))
                + "\n";
    }

    /// One judged solution: the tokens at which its steps are judged are marked, and what they are
    /// labelled stands below.
    public String judged(StepwiseExample row) {
        var ends = new HashSet<Integer>();
        row.steps().forEach(step -> ends.add(step.end()));
        String labels =
                row.steps().stream()
                        .map(step -> step.right() ? "right" : "wrong")
                        .collect(Collectors.joining(", "));
        return String.join(
                        "\n",
                        heading(
                                "%s: %d tokens, %d judged"
                                        .formatted(
                                                where(row.origin()),
                                                row.length(),
                                                row.steps().size())),
                        text(row.ids(), ends::contains),
                        heading("labels") + "\n" + labels)
                + "\n";
    }

    /// Sequences with their labels; the tokens at which they are judged are marked.
    public String labelled(LabelledExample row) {
        var parts = new ArrayList<String>();
        for (int[] ids : row.sequences()) {
            parts.add(heading("%s: %d tokens".formatted(where(row.origin()), ids.length)));
            var places = new HashSet<Integer>();
            Arrays.stream(row.places()).forEach(places::add);
            parts.add(text(ids, i -> places.isEmpty() ? i == ids.length - 1 : places.contains(i)));
        }
        parts.add(heading("labels") + "\n" + row.labels());
        return String.join("\n", parts) + "\n";
    }

    /// One prompt, as the policy is to complete it.
    ///
    /// @param columns names of columns to show beside it; one that the row lacks is said to be
    ///     absent
    public String prompt(PromptExample prompt, Collection<String> columns) {
        var parts = new ArrayList<String>();
        parts.add(
                heading("%s: prompt %d tokens".formatted(where(prompt.origin()), prompt.length())));
        parts.add(text(prompt.ids(), _ -> false));
        prompt.taught()
                .ifPresent(
                        taught -> {
                            parts.add(
                                    heading(
                                            "the teacher reads: prompt %d tokens"
                                                    .formatted(taught.length())));
                            parts.add(text(taught.ids(), _ -> false));
                        });
        for (String column : columns) {
            Object value = prompt.columns().get(column);
            parts.add(
                    heading("column " + column)
                            + "\n"
                            + (value == null ? "(absent)" : visible(value.toString())));
        }
        return String.join("\n", parts) + "\n";
    }

    private String side(String name, CompletionTokens side, boolean completionOnly) {
        int start = side.completionStart();
        String text =
                completionOnly
                        ? text(side.completionIds(), i -> side.isTrained(start + i))
                        : text(side.ids(), side::isTrained);
        return heading(name) + "\n" + text;
    }

    /// How long rows are, and what each file gave: rows, tokens, share of trained tokens, what was
    /// left out or cut, and whether the stop token is learnt.
    ///
    /// @param rows at least one
    /// @param report of these rows
    /// @param stops the tokens that end an answer
    public String survey(
            List<? extends TrainingRow> rows, PreparationReport report, Set<Integer> stops) {
        List<String> lengths = RowSurvey.lengths(rows);
        lengths.addAll(RowSurvey.pictures(rows));
        var parts = new ArrayList<String>();
        parts.add(heading(lengths.getFirst()));
        parts.addAll(lengths.subList(1, lengths.size()));
        new RowSurvey(stops).files(rows, report).forEach(line -> parts.add(visible(line)));
        return String.join("\n", parts) + "\n";
    }

    /// Counts, then the first rows that were left out or cut.
    public String report(PreparationReport report) {
        var parts = new ArrayList<String>();
        parts.add(heading(report.summary()));
        for (Dropped row : report.dropped().stream().limit(LISTED).toList()) {
            parts.add(
                    "dropped %s: %s%s"
                            .formatted(
                                    where(row.origin()),
                                    row.reason(),
                                    row.detail().isEmpty() ? "" : " (" + row.detail() + ")"));
        }
        more(parts, report.dropped());
        for (Truncated row : report.truncated().stream().limit(LISTED).toList()) {
            parts.add(
                    "truncated %s: %d tokens to %d"
                            .formatted(where(row.origin()), row.from(), row.to()));
        }
        more(parts, report.truncated());
        return String.join("\n", parts) + "\n";
    }

    private static void more(List<String> parts, List<?> all) {
        if (all.size() > LISTED) {
            parts.add("… and %d more".formatted(all.size() - LISTED));
        }
    }

    private String text(int[] ids, IntPredicate isTrained) {
        return weightedText(ids, i -> isTrained.test(i) ? 1 : 0);
    }

    /// @param weight of each token in the loss; other than 0 and 1 it stands behind the mark
    private String weightedText(int[] ids, IntToDoubleFunction weight) {
        var out = new StringBuilder();
        Tokenizer.StreamDecoder decoder = tokenizer.streamDecoder(false);
        double open = 0;
        for (int i = 0; i < ids.length; i++) {
            double own = weight.applyAsDouble(i);
            if (own != open) {
                out.append(open == 0 ? "" : marks.close).append(own == 0 ? "" : marks.open);
                out.append(own == 0 || own == 1 ? "" : "×" + (float) own + " ");
                open = own;
            }
            if (SeenPicture.isRow(ids[i])) {
                out.append(rows(ids, i));
            } else {
                out.append(visible(decoder.push(SeenPicture.textOr(ids[i], 0))));
            }
        }
        out.append(visible(decoder.flush())).append(open == 0 ? "" : marks.close);
        pictures(ids).forEach(line -> out.append('\n').append(line));
        return out.toString();
    }

    /// A line for each picture: its size, what it is cut into, and its tokens.
    private List<String> pictures(int[] ids) {
        var lines = new ArrayList<String>();
        for (int id : ids) {
            if (SeenPicture.isRow(id) && SeenPicture.at(id).row() == 0) {
                SeenPicture picture = SeenPicture.at(id).picture();
                lines.add(
                        heading(
                                "picture %d: %s, tokens: %d"
                                        .formatted(
                                                lines.size() + 1,
                                                picture.shape(),
                                                picture.rows())));
            }
        }
        return lines;
    }

    /// How many rows of a picture stand here, before the first of them.
    private static String rows(int[] ids, int at) {
        if (at > 0 && SeenPicture.isRow(ids[at - 1])) {
            return "";
        }
        int end = at;
        while (end < ids.length && SeenPicture.isRow(ids[end])) {
            end++;
        }
        return "▣×" + (end - at);
    }

    private String heading(String text) {
        return marks.openHeading + "── " + text + marks.closeHeading;
    }

    /// Control characters as symbols: data must not steer the terminal.
    private static String visible(String text) {
        var out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' && c != '\n' && c != '\t') {
                out.append((char) ('\u2400' + c));
            } else if (c >= '\u007f' && c < '\u00a0') {
                out.append('\u2421');
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
