package org.attune.trainers.ppo;

import org.attune.checkpoint.Checkpoint;
import org.attune.error.CheckpointException;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.FreedMemory;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.WeightUpdates;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The optimizers of policy and critic, each of which makes many updates in one step of the run.
final class PpoUpdates implements WeightUpdates {
    private static final String CRITIC = "value_optimizer.safetensors";

    private final TrainedModel policy;
    private final TrainedModel critic;
    private final double criticFactor;
    private final PhaseClock clock;
    private final FreedMemory memory = new FreedMemory(1);
    private double learningRate;

    /// @param config says how fast the critic learns
    /// @param clock counts the time as `optimizer`
    PpoUpdates(TrainedModel policy, TrainedModel critic, PpoConfig config, PhaseClock clock) {
        this.policy = policy;
        this.critic = critic;
        this.clock = clock;
        double own = config.training().optimizer().learningRate();
        double other = config.critic().valueLearningRate().orElse(own);
        criticFactor = own == 0 ? 0 : other / own;
    }

    @Override
    public void begin(Step step) {
        learningRate = step.learningRate();
        policy.start();
        critic.start();
    }

    /// The weights have changed in the update's optimizer steps.
    @Override
    public void finish(Step step) {}

    /// Keeps all weights as they are, with what their optimizers know, for [#goBack].
    void keep() {
        try (var _ = clock.enter("optimizer")) {
            policy.optimizer().keep();
            critic.optimizer().keep();
        }
    }

    /// Sets everything to what was kept.
    void goBack() {
        policy.optimizer().goBack();
        critic.optimizer().goBack();
    }

    /// Forgets the gradients.
    void zeroGradients() {
        try (var _ = clock.enter("optimizer")) {
            policy.zeroGradients();
            critic.zeroGradients();
        }
    }

    /// After the policy's passes of a step, before the critic's: what those freed doesn't fit them,
    /// which stood beside it otherwise.
    void passDone() {
        memory.afterStep();
    }

    /// Changes all weights along their gradients.
    ///
    /// @param origins where the rows come from
    /// @throws org.attune.error.TrainingDivergedException if a gradient isn't finite; nothing has
    ///     changed then
    void update(List<String> origins) {
        try (var _ = clock.enter("optimizer")) {
            double policyNorm = requireFinite(policy.norm(), "policy", origins);
            double criticNorm = requireFinite(critic.norm(), "critic", origins);
            policy.update(learningRate, policyNorm);
            critic.update(learningRate * criticFactor, criticNorm);
            memory.afterStep(); // mini-batches are of other sizes each time
        }
    }

    private static double requireFinite(double norm, String whose, List<String> origins) {
        if (!Double.isFinite(norm)) {
            throw FiniteLoss.diverged(
                    "the norm of the " + whose + "'s gradient is " + norm, origins);
        }
        return norm;
    }

    @Override
    public double gradientNorm() {
        return policy.meanNorm();
    }

    /// Norm of the critic's gradients, as [#gradientNorm].
    double criticNorm() {
        return critic.meanNorm();
    }

    @Override
    public void showResult() {
        policy.optimizer().showResult();
        critic.optimizer().showResult();
    }

    @Override
    public void showTrained() {
        policy.optimizer().showTrained();
        critic.optimizer().showTrained();
    }

    @Override
    public void save(Path folder) throws IOException {
        WeightUpdates.write(policy.optimizer(), folder);
        SafeTensorsWriter.write(folder.resolve(CRITIC), critic.optimizer().state());
    }

    @Override
    public void give() {
        policy.optimizer().giveState();
        critic.optimizer().giveState();
    }

    @Override
    public void restore(Checkpoint checkpoint) {
        WeightUpdates.read(policy.optimizer(), checkpoint);
        Path own = checkpoint.folder().resolve(CRITIC);
        if (!Files.exists(own)) {
            throw new CheckpointException(
                    own + " is missing; the checkpoint is not of a run with a critic");
        }
        try (var file = SafeTensorsFile.open(own)) {
            critic.optimizer().restore(file);
        }
    }
}
