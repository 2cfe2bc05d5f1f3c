package org.attune.models.score;

import org.attune.error.ConfigException;
import org.attune.models.ModelSetup;
import org.attune.models.score.ScoreModel.Read;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Makes one vector of each text, as sentence-transformers does by the same folder. It reads texts
/// on any thread, and computes on the engine thread. `D` numbers of a vector.
public final class TextEmbedder {
    private final ModelSetup setup;
    private final SentenceFiles files;
    private final HeadPass pass;

    TextEmbedder(ModelSetup setup, SentenceFiles files, HeadPass pass) {
        this.setup = setup;
        this.files = files;
        this.pass = pass;
    }

    /// Numbers of a vector, `D`.
    public int width() {
        return files.width();
    }

    /// Most tokens of a text, if the folder says it.
    public OptionalInt maxLength() {
        return files.maxLength();
    }

    /// Names of what may stand before a text.
    public Set<String> prompts() {
        return new TreeSet<>(files.prompts().keySet());
    }

    /// The tokens of a text, behind the prompt that the folder gives texts, if it does.
    ///
    /// @param prompt name of another prompt, one of [#prompts]
    /// @param special whether the tokenizer adds its special tokens
    /// @param most tokens; of a longer text the end is left out, and special tokens behind it stay
    /// @throws ConfigException if texts are messages and the model has no chat template
    public Read read(String text, Optional<String> prompt, boolean special, int most) {
        String before =
                prompt.or(files::standard)
                        .map(name -> files.prompts().getOrDefault(name, ""))
                        .orElse("");
        if (files.takesMessages()) {
            return whole(HeadPass.encoded(t -> conversation(before, t), text, most));
        }
        Tokenizer tokenizer = setup.text().tokenizer();
        Function<String, int[]> encode = t -> tokenizer.encode(lowered(t), special);
        int[] ids = HeadPass.encoded(encode, before + text, most);
        if (files.poolsPrompt() || before.isEmpty()) {
            return whole(ids);
        }
        int first = encode.apply(before).length - HeadPass.tail(encode);
        return new Read(ids, places(ids.length, first));
    }

    private String lowered(String text) {
        return files.lowers() ? text.toLowerCase(Locale.ROOT) : text;
    }

    /// A text as a user says it, a prompt as the system does.
    private int[] conversation(String prompt, String text) {
        List<Message> messages = new ArrayList<>();
        if (!prompt.isEmpty()) {
            messages.add(Message.of("system", prompt));
        }
        messages.add(Message.of("user", text));
        TextAssets assets = setup.text();
        ChatTemplate template =
                assets.template()
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                setup.headFolder()
                                                        + " says that texts are messages, and the"
                                                        + " model has no chat template"));
        return new ChatTokenizer(assets.tokenizer(), CompleteTemplate.of(template))
                .encode(Conversation.of(messages), ChatTemplate.Tail.NOTHING)
                .ids();
    }

    private Read whole(int[] ids) {
        return new Read(ids, places(ids.length, 0));
    }

    /// Token ids as they are.
    ///
    /// @param most tokens; of more the end is left out
    public Read read(int[] ids, int most) {
        return whole(Arrays.copyOf(ids, Math.min(most, ids.length)));
    }

    private int[] places(int length, int first) {
        return switch (files.pooling()) {
            case LASTTOKEN -> new int[] {length - 1};
            case MEAN -> IntStream.range(Math.min(first, length - 1), length).toArray();
        };
    }

    /// Cuts sequences, in order, into groups that are computed at once.
    public List<List<Read>> groups(List<Read> reads) {
        return HeadPass.groups(setup, reads);
    }

    /// The vectors of a group, `(D)` each, of length 1 if the folder says so.
    ///
    /// @param dims how many leading numbers of a vector are wanted, 1 to `D`
    public List<double[]> vectors(List<Read> group, int dims) {
        float[] states =
                pass.measure(group, 1, setup.sharesPrompts(), HeadRequest.ofStates())
                        .statistic(HeadStatistic.STATE);
        List<double[]> vectors = new ArrayList<>();
        int at = 0;
        for (Read read : group) {
            double[] vector = new double[dims];
            for (int p = 0; p < read.places().length; p++) {
                for (int k = 0; k < dims; k++) {
                    vector[k] += states[at + k] / (double) read.places().length;
                }
                at += files.width();
            }
            vectors.add(files.isNormal() ? normal(vector) : vector);
        }
        return vectors;
    }

    private static double[] normal(double[] vector) {
        double length = Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
        return length == 0 ? vector : Arrays.stream(vector).map(x -> x / length).toArray();
    }
}
