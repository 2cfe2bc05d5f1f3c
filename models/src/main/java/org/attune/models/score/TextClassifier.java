package org.attune.models.score;

import org.attune.error.DatasetException;
import org.attune.model.config.ScoreKind;
import org.attune.models.ModelSetup;
import org.attune.models.score.ScoreModel.Read;
import org.attune.policy.HeadRequest;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/// Gives texts, or their words, labels, as transformers' classifiers do. It reads texts on any
/// thread, and computes on the engine thread. `C` labels.
public final class TextClassifier {
    private final ModelSetup setup;
    private final HeadPass pass;
    private final List<String> names;
    private final String problem; // as transformers calls it, or empty

    TextClassifier(ModelSetup setup, HeadPass pass) {
        this.setup = setup;
        this.pass = pass;
        names = setup.labelNames();
        problem = setup.problemType().orElse("");
    }

    /// The labels by their numbers, `C`.
    public List<String> names() {
        return names;
    }

    /// Whether words are classified, and not texts.
    public boolean ofWords() {
        return setup.scoreKind() == ScoreKind.TOKEN;
    }

    /// Whether a text may have several labels.
    public boolean hasSeveral() {
        return problem.equals("multi_label_classification");
    }

    /// A text, classified at its end.
    ///
    /// @param special whether the tokenizer adds its special tokens
    /// @param most tokens; of a longer text the end is left out, and special tokens behind it stay
    public Read read(String text, boolean special, int most) {
        Tokenizer tokenizer = setup.text().tokenizer();
        return atEnd(HeadPass.encoded(t -> tokenizer.encode(t, special), text, most));
    }

    /// Token ids, classified at their end.
    ///
    /// @param most tokens; of more the end is left out
    public Read read(int[] ids, int most) {
        return atEnd(Arrays.copyOf(ids, Math.min(ids.length, most)));
    }

    private static Read atEnd(int[] ids) {
        return new Read(ids, new int[] {ids.length - 1});
    }

    /// A sentence, each of its words classified.
    ///
    /// @throws DatasetException naming the word that has no tokens
    public Read words(List<String> words) {
        return words(setup.text().tokenizer(), words);
    }

    /// A sentence, its words joined by blanks. Each is judged at its last token, where a decoder
    /// has read all of it.
    ///
    /// @throws DatasetException naming the word that has no tokens
    public static Read words(Tokenizer tokenizer, List<String> words) {
        int[] ids = new int[0];
        int[] places = new int[words.size()];
        for (int i = 0; i < places.length; i++) {
            String word = words.get(i);
            int[] own = tokenizer.encode(i == 0 ? word : " " + word, i == 0);
            if (own.length == 0) {
                throw new DatasetException("tokens[%d] has no tokens".formatted(i));
            }
            int start = ids.length;
            ids = Arrays.copyOf(ids, start + own.length);
            System.arraycopy(own, 0, ids, start, own.length);
            places[i] = ids.length - 1;
        }
        return new Read(ids, places);
    }

    /// Cuts sequences, in order, into groups that are computed at once.
    public List<List<Read>> groups(List<Read> reads) {
        return HeadPass.groups(setup, reads);
    }

    /// What the head says of each sequence of a group: of place after place all labels.
    public List<double[]> logits(List<Read> group) {
        float[] scores =
                pass.measure(group, names.size(), setup.sharesPrompts(), HeadRequest.of())
                        .tokenLogProbs();
        List<double[]> parts = new ArrayList<>();
        int at = 0;
        for (Read read : group) {
            double[] own = new double[read.places().length * names.size()];
            for (int i = 0; i < own.length; i++) {
                own[i] = scores[at++];
            }
            parts.add(own);
        }
        return parts;
    }

    /// Probabilities of the labels of one place, `(C)`: each for itself where there may be several,
    /// and of one label alone. A number that was learnt stays as it is.
    ///
    /// @param logits of the place, `(C)`
    public double[] probabilities(double[] logits) {
        if (problem.equals("regression")) {
            return logits;
        }
        if (hasSeveral() || logits.length == 1) {
            return map(logits, ScoreModel::sigmoid);
        }
        double most = Arrays.stream(logits).max().orElseThrow();
        double[] exponentials = map(logits, x -> Math.exp(x - most)); // no overflow
        double sum = Arrays.stream(exponentials).sum();
        return map(exponentials, x -> x / sum);
    }

    private static double[] map(double[] values, DoubleUnaryOperator function) {
        return Arrays.stream(values).map(function).toArray();
    }
}
