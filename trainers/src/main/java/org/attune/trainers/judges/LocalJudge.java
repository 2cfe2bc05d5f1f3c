package org.attune.trainers.judges;

import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.files.HubCache;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenBudget;
import org.attune.policy.TokenForest;
import org.attune.reward.RewardBatch;
import org.attune.reward.judge.JudgeQuestion;
import org.attune.reward.judge.JudgeScale;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A language model that judges by what it would answer: the reward is the expectation of the score
/// under the probabilities of the answers, scaled to sum to 1.
/// ```
/// r = Σ_s s p(s) / Σ_s p(s)
/// ```
/// Nothing is sampled or parsed, so equal questions have equal rewards. Use it on the engine
/// thread. Owns its model, unless that is the policy's.
public final class LocalJudge implements RoundJudge {
    private static final Logger LOG = LoggerFactory.getLogger(LocalJudge.class);
    private static final TokenBudget BUDGET = new TokenBudget(TokenBudget.DEFAULT_TOKENS);

    /// Less probability on all answers together means that the model would write something else.
    private static final double LEAST_MASS = 0.05;

    private final LocalJudgeEntry entry;
    private final Optional<ModelSetup> setup;
    private Loaded loaded; // null before the weights are loaded
    private boolean isTold;

    /// @param decoder owned; empty if it is the policy's
    /// @param adapted owned
    private record Loaded(
            Optional<Decoder> decoder,
            Optional<Policy> adapted,
            Scorer scorer,
            JudgeReader reader,
            boolean sharesPrompts) {}

    private LocalJudge(LocalJudgeEntry entry, Optional<ModelSetup> setup) {
        this.entry = entry;
        this.setup = setup;
    }

    /// Opens a judge; its weights are loaded by [#load], at the latest when it judges first.
    ///
    /// @param like says device and number format
    /// @throws ConfigException if the folder holds a model that predicts no tokens
    public static LocalJudge open(LocalJudgeEntry entry, ModelConfig like, HubCache hub) {
        Optional<ModelSetup> setup =
                entry.folder().map(f -> ModelSetup.open(like.ofFolder(f), hub));
        if (setup.isPresent() && setup.get().labels() > 0) {
            setup.get().close();
            throw new ConfigException(
                    "judge: %s has a score head; a judge is a model that predicts tokens. Name a reward model as {model: FOLDER}"
                            .formatted(entry.folder().get()));
        }
        return new LocalJudge(entry, setup);
    }

    @Override
    public Set<String> requiredColumns() {
        return entry.prompt().columns();
    }

    @Override
    public String identity() {
        return "%s, asked \"%s\" after \"%s\" for %s"
                .formatted(
                        setup.map(ModelSetup::fingerprint).orElse("the policy's base"),
                        entry.prompt().text(),
                        entry.system().orElse(""),
                        entry.scale());
    }

    @Override
    public void load(ModelSetup model, Policy policy) {
        if (setup.isPresent()) {
            load(setup.get());
            return;
        }
        if (policy.adapter().isEmpty()) {
            throw new ConfigException(
                    "judge: model: policy is the policy with its adapter switched off, but all"
                        + " weights are trained; set use_peft: true, or name the model's folder");
        }
        loaded =
                new Loaded(
                        Optional.empty(),
                        Optional.empty(),
                        policy.adapterOff(),
                        new JudgeReader(model.text(), entry),
                        model.sharesPrompts());
    }

    private void load(ModelSetup own) {
        var reader = new JudgeReader(own.text(), entry);
        Decoder decoder = own.loadAsIs();
        try {
            Optional<Policy> adapted =
                    own.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            Scorer scorer =
                    adapted.<Scorer>map(policy -> policy)
                            .orElseGet(() -> Policy.reference(decoder));
            decoder.keepForward();
            loaded = new Loaded(Optional.of(decoder), adapted, scorer, reader, own.sharesPrompts());
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
    }

    @Override
    public double[] score(RewardBatch batch) {
        if (loaded == null) {
            load(
                    setup.orElseThrow(
                            () ->
                                    new ConfigException(
                                            "judge: model: policy works only while a policy is"
                                                    + " trained; name the model's folder")));
        }
        double[] rewards = new double[batch.size()];
        Arrays.fill(rewards, Double.NaN);
        List<JudgeReader.Read> reads = new ArrayList<>();
        for (JudgeQuestion question : loaded.reader().questions(batch)) {
            reads.add(loaded.reader().of(question));
        }
        double mass = 0;
        for (List<JudgeReader.Read> group :
                BUDGET.groups(reads, JudgeReader.Read::sequences, loaded.sharesPrompts())) {
            mass += measure(group, rewards);
        }
        tell(mass / Math.max(1, reads.size()), !reads.isEmpty());
        return rewards;
    }

    /// Rewards of questions that are computed at once.
    ///
    /// @return the sum of the questions' probabilities of any answer
    private double measure(List<JudgeReader.Read> group, double[] rewards) {
        try (var _ = TensorScope.open("judge")) {
            StopRequest.check();
            float[] logProbs =
                    loaded.scorer().measure(forest(group), HeadRequest.of()).tokenLogProbs();
            double mass = 0;
            int at = 0;
            for (JudgeReader.Read read : group) {
                double[] answers = new double[read.sequences().size()];
                for (int a = 0; a < answers.length; a++) {
                    for (int t = read.prompt(); t < read.sequences().get(a).length; t++) {
                        answers[a] += logProbs[at++];
                    }
                }
                rewards[read.place()] = expectation(answers, entry.scale());
                mass += Arrays.stream(answers).map(Math::exp).sum();
            }
            return mass;
        }
    }

    /// @param logProbs of the scores from the lowest on
    static double expectation(double[] logProbs, JudgeScale scale) {
        double most = Arrays.stream(logProbs).max().orElseThrow();
        double sum = 0;
        double weights = 0;
        for (int a = 0; a < logProbs.length; a++) {
            double weight = Math.exp(logProbs[a] - most); // at most 1, so nothing overflows
            sum += weight * (scale.low() + a);
            weights += weight;
        }
        return sum / weights;
    }

    private TokenForest forest(List<JudgeReader.Read> group) {
        var builder = TokenForest.builder();
        List<int[]> sequences = group.stream().flatMap(read -> read.sequences().stream()).toList();
        List<SequenceTree.Path> paths =
                SequenceTree.add(builder, sequences, loaded.sharesPrompts());
        int at = 0;
        for (JudgeReader.Read read : group) {
            for (int[] sequence : read.sequences()) {
                for (int t = read.prompt(); t < sequence.length; t++) {
                    paths.get(at).target(t);
                }
                at++;
            }
        }
        return builder.build();
    }

    private void tell(double mass, boolean hasJudged) {
        if (hasJudged && mass < LEAST_MASS && !isTold) {
            isTold = true;
            LOG.warn(
                    "the judge answers with a score from {} with a probability of {} only: it would"
                        + " write something else. Ask more plainly for a number, or take a model"
                        + " that follows instructions",
                    entry.scale(),
                    "%.2g".formatted(mass));
        }
    }

    @Override
    public void close() {
        if (loaded != null) {
            loaded.adapted().ifPresent(Policy::close);
            loaded.decoder().ifPresent(Decoder::close);
        }
        setup.ifPresent(ModelSetup::close);
    }
}
