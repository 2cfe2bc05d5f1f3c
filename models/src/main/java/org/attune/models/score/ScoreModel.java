package org.attune.models.score;

import org.attune.adapter.AdapterFolder;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.model.config.ScoreKind;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.models.ScorerPurpose;
import org.attune.models.StepSeparator;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A reward model, or a process reward model, that scores sequences. Its weights are loaded by
/// [#load], at the latest when it scores first. It scores on the engine thread; it is opened, and
/// reads texts, on any.
public final class ScoreModel implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ScoreModel.class);

    private final ModelSetup setup;
    private final RewardReader reading;
    private final boolean ownsSetup;
    private HeadPass weights; // null before they are loaded

    /// A sequence with the tokens at which it is scored.
    ///
    /// @param ids at least one token
    /// @param places indices of tokens; at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Read(int[] ids, int[] places) {}

    /// What a process reward model makes of steps.
    ///
    /// @param aggregation how the steps' probabilities become one reward; unset:
    ///     [Aggregation#MIN]
    /// @param separator between steps; unset: the one that the model's folder says
    public record Steps(Optional<Aggregation> aggregation, Optional<StepSeparator> separator) {
        /// What the model's folder says.
        public static final Steps OWN = new Steps(Optional.empty(), Optional.empty());
    }

    /// How the probabilities that a process reward model gives the steps of a solution become one
    /// reward. All are in [0, 1].
    public enum Aggregation {
        /// The weakest step, as in [Wang et al. 2024](https://arxiv.org/abs/2312.08935).
        MIN {
            @Override
            double of(double[] probabilities) {
                return Arrays.stream(probabilities).min().orElseThrow();
            }
        },
        /// That all steps are right, as in
        /// [Lightman et al. 2023](https://arxiv.org/abs/2305.20050). The more steps, the
        /// smaller.
        PRODUCT {
            @Override
            double of(double[] probabilities) {
                return Arrays.stream(probabilities).reduce(1, (a, b) -> a * b);
            }
        },
        /// The arithmetic mean of the steps' probabilities.
        MEAN {
            @Override
            double of(double[] probabilities) {
                return Arrays.stream(probabilities).average().orElseThrow();
            }
        },
        /// The last step alone.
        LAST {
            @Override
            double of(double[] probabilities) {
                return probabilities[probabilities.length - 1];
            }
        };

        /// @param probabilities of right steps, in order; at least one
        abstract double of(double[] probabilities);
    }

    private ScoreModel(ModelSetup setup, RewardReader reading, boolean ownsSetup) {
        this.setup = setup;
        this.reading = reading;
        this.ownsSetup = ownsSetup;
    }

    /// Opens a model's files.
    ///
    /// @param config of a model, with an adapter or without, or of an adapter alone
    /// @throws ConfigException if it is no reward model of either kind
    public static ScoreModel open(ModelConfig config, Steps steps, HubCache hub) {
        ModelSetup setup = ModelSetup.open(config.ofAdapterAlone(), hub);
        try {
            return new ScoreModel(setup, reader(setup, steps), true);
        } catch (RuntimeException e) {
            setup.close();
            throw e;
        }
    }

    /// Scores by passes that somebody else makes and closes.
    ///
    /// @param setup borrowed; [#isReward] of it is true
    static ScoreModel over(ModelSetup setup, HeadPass pass) {
        var model = new ScoreModel(setup, reader(setup, Steps.OWN), false);
        model.weights = pass;
        return model;
    }

    /// Whether a model is a reward model of either kind. A classifier of words with two labels says
    /// what it learnt, which process reward models don't.
    static boolean isReward(ModelSetup setup) {
        return ScorerPurpose.REWARD.fits(setup.scoreKind(), setup.labels())
                || ScorerPurpose.PROCESS_REWARD.fits(setup.scoreKind(), setup.labels())
                        && setup.problemType().isEmpty();
    }

    private static RewardReader reader(ModelSetup setup, Steps steps) {
        Path folder = path(setup);
        int labels = setup.labels();
        ScoreKind kind = setup.scoreKind();
        if (ScorerPurpose.REWARD.fits(kind, labels)) {
            if (steps.aggregation().isPresent() || steps.separator().isPresent()) {
                throw new ConfigException(
                        "%s scores whole answers; aggregation and step_separator are for process reward models, leave them out"
                                .formatted(folder));
            }
            return new RewardReader.Answer(setup.text(), folder.toString());
        }
        if (!ScorerPurpose.PROCESS_REWARD.fits(kind, labels)) {
            throw new ConfigException(
                    "%s is no reward model: it %s; train one with attune reward or attune prm, or give one: %s, %s"
                            .formatted(
                                    folder,
                                    labels == 0
                                            ? "has no score head"
                                            : "is a " + ScorerPurpose.described(kind, labels),
                                    ScorerPurpose.REWARD.wanted(),
                                    ScorerPurpose.PROCESS_REWARD.wanted()));
        }
        StepSeparator separator =
                steps.separator().or(() -> StepSeparator.of(folder)).orElse(StepSeparator.DEFAULT);
        Aggregation aggregation = steps.aggregation().orElse(Aggregation.MIN);
        return new RewardReader.Steps(setup.text(), separator, aggregation);
    }

    private static Path path(ModelSetup setup) {
        return setup.adapter().map(AdapterFolder::path).orElseGet(() -> setup.source().path());
    }

    /// The folder of the model, or of its adapter.
    public Path path() {
        return path(setup);
    }

    /// Tells it apart from other models and other settings.
    public String identity() {
        return setup.fingerprint() + ", " + reading.about();
    }

    /// What stands behind the steps that it judges; empty if it judges whole answers.
    public Optional<StepSeparator> separator() {
        return reading instanceof RewardReader.Steps steps
                ? Optional.of(steps.separator())
                : Optional.empty();
    }

    public TextAssets text() {
        return setup.text();
    }

    /// Loads the weights anew, unless they are there.
    public void load() {
        if (weights != null) {
            return;
        }
        Decoder decoder = setup.loadAsIs();
        try {
            Optional<Policy> adapted =
                    setup.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            decoder.keepForward();
            weights =
                    new HeadPass(
                            adapted.<Scorer>map(policy -> policy)
                                    .orElseGet(() -> Policy.reference(decoder)),
                            () -> {
                                adapted.ifPresent(Policy::close);
                                decoder.close();
                            });
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
        LOG.info("{} {}", path(), reading.about());
    }

    /// Loads the weights, or of an adapter on a policy's own base only the adapter, if that base
    /// stays as it is.
    public void load(ModelSetup model, Policy policy) {
        if (policy.adapter().isEmpty() || !setup.scoresOnBaseOf(model)) {
            load();
            return;
        }
        Decoder decoder = setup.scorerOn(policy.decoder());
        try {
            weights =
                    new HeadPass(
                            policy.addScorer(decoder, setup.adapter().orElseThrow()),
                            decoder::close);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
        LOG.info("{} {}, on the policy's weights", path(), reading.about());
    }

    /// Checks that a prompt's messages are seen whole, if it has any.
    ///
    /// @throws org.attune.error.DatasetException naming the part that the chat template leaves out
    public void requireShown(List<Message> prompt) {
        reading.requireShown(prompt);
    }

    /// A prompt with its completion.
    public Read read(Prompt prompt, Completion completion) {
        return reading.of(prompt, completion);
    }

    /// An answer to a question: of a reranker both texts, each encoded on its own, else a chat if
    /// the model has a chat template, else one text.
    public Read read(String question, String answer) {
        if (setup.ranks()) {
            Tokenizer tokenizer = setup.text().tokenizer();
            int[] ids =
                    IntStream.concat(
                                    Arrays.stream(tokenizer.encode(question, true)),
                                    Arrays.stream(tokenizer.encode(answer, true)))
                            .toArray();
            return new Read(ids, new int[] {ids.length - 1});
        }
        boolean isChat = setup.text().template().isPresent();
        Prompt prompt =
                new Prompt(question, isChat ? List.of(Message.of("user", question)) : List.of());
        List<Message> said = isChat ? List.of(Message.of("assistant", answer)) : List.of();
        return read(prompt, new Completion(answer, new int[0], said));
    }

    /// A text as it stands, scored at its end.
    ///
    /// @throws ConfigException if the model judges steps
    public Read read(String text) {
        return reading.whole(List.of(), text);
    }

    /// A conversation as the chat template renders it, scored at its end.
    ///
    /// @param messages at least one
    /// @throws ConfigException if the model judges steps, or has no chat template
    public Read read(List<Message> messages) {
        return reading.whole(messages, "");
    }

    /// Cuts sequences, in order, into groups that are scored at once.
    public List<List<Read>> groups(List<Read> reads) {
        return HeadPass.groups(setup, reads);
    }

    /// Cuts rows of several sequences into groups that are scored at once.
    public List<List<List<Read>>> groupsOfRows(List<List<Read>> rows) {
        return HeadPass.groupsOfRows(setup, rows);
    }

    /// One reward for each sequence, `(n)`. What neighbours begin with in common is computed once.
    public double[] rewards(List<Read> reads) {
        return groups(reads).stream()
                .flatMap(group -> values(group).stream())
                .mapToDouble(this::reward)
                .toArray();
    }

    /// Of each sequence of a group its score, or for each step the probability that it is right.
    public List<double[]> values(List<Read> group) {
        return heads(group).stream().map(reading::values).toList();
    }

    /// The reward of a sequence with these values.
    public double reward(double[] values) {
        return reading.reward(values);
    }

    /// Scores of all labels at all places, of each sequence.
    private List<float[]> heads(List<Read> group) {
        load();
        float[] scores =
                weights.measure(group, reading.labels(), setup.sharesPrompts(), HeadRequest.of())
                        .tokenLogProbs();
        List<float[]> parts = new ArrayList<>();
        int at = 0;
        for (Read read : group) {
            int size = read.places().length * reading.labels();
            parts.add(Arrays.copyOfRange(scores, at, at + size));
            at += size;
        }
        return parts;
    }

    /// `σ(x)`, in [0, 1].
    public static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x)); // 0 where the exponential overflows, as it should be
    }

    /// On the engine thread.
    @Override
    public void close() {
        if (weights != null) {
            weights.freed().run();
        }
        if (ownsSetup) {
            setup.close();
        }
    }
}
