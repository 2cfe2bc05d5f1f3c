package org.attune.trainers.service;

import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.error.TrainingDivergedException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Decoder;
import org.attune.optim.AdamW;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.GradientClipping;
import org.attune.optim.ParameterGroups;
import org.attune.policy.Evaluation;
import org.attune.policy.FrozenAdapter;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// An adapter whose training loop runs elsewhere, call by call. Gradients of all [#learn] calls add
/// up until a [#step], which zeroes them.
///
/// Its methods may be called from any thread, of one adapter one at a time. They wait for the
/// engine, between whose tasks others get their turn: a pass over some rows is one task.
public final class AdapterTraining implements AutoCloseable {
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final String ADAPTER = "adapter";

    private final TrainedBase base;
    private final TrainedLora lora;
    private final Policy policy;
    private final TrainedBase.Way way;
    private FlatOptimizer optimizer;

    /// The frozen weights that adapters are trained on. Owns what adapters leave there.
    public static final class Shared implements AutoCloseable {
        private final TrainedBase base;

        /// @param decoder borrowed; without an adapter that learns
        /// @param length most tokens of a row
        public Shared(Decoder decoder, int length) {
            base = new TrainedBase(decoder, length);
        }

        /// Begins to train a fresh adapter, with the values of a run of the same seed.
        ///
        /// @throws ConfigException if memory doesn't suffice, or the model has no such modules
        public AdapterTraining open(Lora lora) {
            return Engine.call(() -> new AdapterTraining(base, lora));
        }

        /// After the last adapter was closed, and before the decoder is.
        @Override
        public void close() {
            Engine.run(base::close);
        }
    }

    /// Which adapter is trained: LoRA with `α = 32`, without dropout.
    ///
    /// @param rank ≥ 1
    /// @param seed of the first values
    /// @param attention whether linear layers of attention and its like have one
    /// @param feedForward whether linear layers of feed-forward parts have one, experts excepted
    /// @param output whether the output layer has one
    public record Lora(
            int rank, long seed, boolean attention, boolean feedForward, boolean output) {}

    /// A sequence with what is asked at its tokens. `N` tokens, `K` targets at each of them.
    ///
    /// @param ids token ids, `(N)`, at least one
    /// @param targets ids of the tokens that are predicted behind each token, `(N K)`
    /// @param factors what a target counts: its weight in [Loss.CrossEntropy], else its advantage,
    ///     `(N K)`
    /// @param sampled log-probabilities of the targets when they were drawn, `(N K)`; empty for
    ///     [Loss.CrossEntropy]
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Row(int[] ids, int[] targets, double[] factors, double[] sampled) {
        /// `K`.
        int width() {
            return targets.length / ids.length;
        }
    }

    /// What targets add to the loss, which is their sum. `log p` is a target's log-probability, `w`
    /// its factor, `ρ = p / q` the ratio to the probability it was drawn with.
    public sealed interface Loss {
        /// `−w log p`.
        record CrossEntropy() implements Loss {}

        /// `−ρ w`.
        record ImportanceSampling() implements Loss {}

        /// `−min(ρ w, clip(ρ, low, high) w)`
        /// ([Schulman et al. 2017, Eq. 7](https://arxiv.org/abs/1707.06347)).
        record Ppo(double low, double high) implements Loss {}

        /// `−sg(clip(ρ, low, high)) w log p`
        /// ([CISPO, MiniMax-M1, 2025](https://arxiv.org/abs/2506.13585)).
        record Cispo(double low, double high) implements Loss {}

        /// `−w log p + (β / 2) (log ρ)²`
        /// ([Richemond et al. 2024](https://arxiv.org/abs/2405.19107)).
        record Dro(double beta) implements Loss {}
    }

    /// What a call found.
    ///
    /// @param loss sum over all targets
    /// @param logProbs log-probability of each target, `(N K)` of each row
    public record Outcome(double loss, List<float[]> logProbs) {}

    /// An update, as `torch.optim.AdamW` makes it.
    ///
    /// @param clip largest norm of the gradients; 0: any
    public record Update(double learningRate, AdamW formula, double weightDecay, double clip) {}

    private AdapterTraining(TrainedBase base, Lora lora) {
        this.base = base;
        this.lora = new TrainedLora(lora, base.decoder());
        policy = base.fresh(this.lora.config(), lora.seed());
        try {
            way = base.way(policy);
            policy.setOptions(new Policy.Options(way.recomputed(), false, lora.seed(), false));
            optimizer = fresh();
        } catch (RuntimeException | Error e) {
            base.close(policy);
            throw e;
        }
    }

    private FlatOptimizer fresh() {
        return new FlatOptimizer(policy.parameters(), AdamW.defaults(), ParameterGroups.of(0));
    }

    /// Refuses rows that can't be learned from.
    ///
    /// @throws ConfigException naming the row
    public void require(List<Row> rows, Loss loss) {
        if (rows.isEmpty()) {
            throw new ConfigException("there are no rows; accepted: at least one");
        }
        for (int i = 0; i < rows.size(); i++) {
            new RowCheck("row " + i, rows.get(i)).require(base, loss);
        }
    }

    /// Computes the loss of rows and what the model says of their targets.
    ///
    /// @param learns whether its gradients are added to those that wait for [#step]
    /// @throws ConfigException if a row can't be learned from
    /// @throws TrainingDivergedException if a row's loss isn't finite. All gradients are zero then
    public Outcome learn(List<Row> rows, Loss loss, boolean learns) {
        require(rows, loss);
        boolean shares = !base.decoder().config().positions().dependsOnLength();
        double sum = 0;
        List<float[]> logProbs = new ArrayList<>();
        try {
            for (List<Row> group : way.tokens().groups(rows, row -> List.of(row.ids()), shares)) {
                int first = logProbs.size();
                TargetForest forest = TargetForest.of(group, shares);
                sum += Engine.call(() -> pass(group, forest, first, loss, learns, logProbs));
            }
        } catch (RuntimeException | Error e) {
            if (learns) {
                Engine.run(optimizer::zeroGradients); // some groups' are there, others' aren't
            }
            throw e;
        }
        return new Outcome(sum, logProbs);
    }

    private double pass(
            List<Row> group,
            TargetForest forest,
            int first,
            Loss loss,
            boolean learns,
            List<float[]> logProbs) {
        base.attach(policy);
        try (var _ = TensorScope.open("service.pass")) {
            if (!learns) {
                float[] said = policy.measure(forest.forest(), HeadRequest.of()).tokenLogProbs();
                return add(group, forest, first, loss, said, new float[said.length], logProbs);
            }
            try (Evaluation e = policy.evaluate(forest.forest(), HeadRequest.of())) {
                float[] said = e.measurement().tokenLogProbs(); // (M)
                float[] slopes = new float[said.length]; // (M)
                double sum = add(group, forest, first, loss, said, slopes, logProbs);
                e.backward(slopes);
                return sum;
            }
        }
    }

    private static double add(
            List<Row> group,
            TargetForest forest,
            int first,
            Loss loss,
            float[] said,
            float[] slopes,
            List<float[]> logProbs) {
        double sum = 0;
        for (int r = 0; r < group.size(); r++) {
            TargetRange range = forest.rows().get(r);
            var terms = new RowLoss(loss, group.get(r));
            double own = terms.add(said, range, slopes);
            FiniteLoss.require(own, List.of("row " + (first + r)));
            sum += own;
            logProbs.add(Arrays.copyOfRange(said, range.start(), range.end()));
        }
        return sum;
    }

    /// Changes the adapter along its gradients, and zeroes them.
    ///
    /// @return the gradients' norm before clipping
    /// @throws TrainingDivergedException if that isn't finite: the adapter is as it was
    public double step(Update update) {
        return Engine.call(
                () -> {
                    optimizer.change(update.formula(), ParameterGroups.of(update.weightDecay()));
                    double norm = optimizer.gradientNorm();
                    if (!Double.isFinite(norm)) {
                        optimizer.zeroGradients();
                        throw new TrainingDivergedException(
                                "the gradient's norm is %s; the adapter is as it was, and gradients are zero. Check the rows or the learning rate"
                                        .formatted(norm));
                    }
                    optimizer.step(
                            update.learningRate(), GradientClipping.scale(norm, update.clip()));
                    optimizer.zeroGradients();
                    return norm;
                });
    }

    /// Updates that were made.
    public long steps() {
        return Engine.call(optimizer::steps);
    }

    /// Copies the adapter as it is now, to generate with.
    ///
    /// @param number tells it apart from the decoder's other frozen adapters
    /// @return the caller closes it, on the engine thread
    public FrozenAdapter copy(int number) {
        return Engine.call(() -> FrozenAdapter.copy(policy, number));
    }

    /// Writes the adapter as PEFT does, into `adapter`, and what [#load] reads. Gradients that wait
    /// for a step aren't written.
    ///
    /// @param folder is there, and empty
    /// @param baseModel `base_model_name_or_path`
    /// @param about written along, for [#about]
    public void save(Path folder, String baseModel, Map<String, Object> about) throws IOException {
        Engine.call(
                () -> {
                    policy.saveAdapter(folder.resolve(ADAPTER), baseModel);
                    SafeTensorsWriter.write(folder.resolve(OPTIMIZER), optimizer.state());
                    return null;
                });
        lora.write(folder, about);
    }

    /// The folder of the adapter in one that [#save] wrote.
    public static Path adapterIn(Path folder) {
        return folder.resolve(ADAPTER);
    }

    /// Which adapter a folder holds.
    ///
    /// @throws CheckpointException if [#save] hasn't written it
    public static Lora in(Path folder) {
        return TrainedLora.read(folder);
    }

    /// What [#save] was told about a folder.
    ///
    /// @throws CheckpointException if [#save] hasn't written it
    public static Map<String, Object> about(Path folder) {
        return TrainedLora.about(folder);
    }

    /// Takes the values that [#save] wrote; gradients are zero then.
    ///
    /// @param moments whether the optimizer's state is taken too; else it begins anew
    /// @throws CheckpointException if the folder holds another adapter
    public void load(Path folder, boolean moments) {
        lora.requireSame(folder);
        Engine.run(
                () -> {
                    try (var file = SafeTensorsFile.open(folder.resolve(OPTIMIZER))) {
                        optimizer.restore(file);
                    }
                    optimizer.zeroGradients();
                    if (!moments) {
                        optimizer.close();
                        optimizer = fresh();
                    }
                });
    }

    /// Ends the training. Copies live on.
    @Override
    public void close() {
        Engine.run(
                () -> {
                    optimizer.close();
                    base.close(policy);
                });
    }
}
