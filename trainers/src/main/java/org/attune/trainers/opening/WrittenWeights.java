package org.attune.trainers.opening;

import org.attune.error.RolloutException;
import org.attune.files.AtomicFolder;
import org.attune.models.ModelSetup;
import org.attune.models.TrainedModelWriter;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.ValueHash;
import org.attune.ranks.Collective;
import org.attune.rollout.source.ServedWeights;
import org.attune.rollout.source.WeightVersions;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// The trained adapter, or the whole model where no adapter is trained, in a folder that servers
/// see too. A version's name has the round and a checksum of the weights: a run that makes a round
/// again finds what servers have already, and no server takes other weights for it.
///
/// @param shelf the folder; each version is a folder in it
/// @param run begins the names
/// @param policy borrowed
/// @param model that is trained; its name is the base's for PEFT
/// @param ranks processes of the run, which have the same weights; borrowed
record WrittenWeights(Path shelf, String run, Policy policy, ModelSetup model, Collective ranks)
        implements WeightVersions {
    private static final Logger LOG = LoggerFactory.getLogger(WrittenWeights.class);

    /// What a run has its servers load, if anything.
    static Optional<WeightVersions> of(
            GeneratingRun config, ModelSetup model, Policy policy, Collective ranks) {
        RolloutSourceConfig from = config.rollouts();
        Path output = config.training().save().outputDir().toAbsolutePath().normalize();
        String run = from.rolloutServerModel().orElse(String.valueOf(output.getFileName()));
        return from.rolloutServerAdapterDir()
                .map(shelf -> new WrittenWeights(shelf, run, policy, model, ranks));
    }

    /// @throws RolloutException if the folder can't be written
    @Override
    public ServedWeights write(long round) {
        ParameterSpace space = policy.parameters();
        long checksum = (long) ValueHash.of(space.values());
        String name =
                "%s-%d-%08x".formatted(run.replaceAll("[^A-Za-z0-9._-]", "_"), round, checksum);
        Path folder = shelf.toAbsolutePath().normalize().resolve(name);
        if (ranks.writes()) {
            try (AtomicFolder written = AtomicFolder.create(folder)) {
                if (isModel()) {
                    new TrainedModelWriter(model, policy).write(written.path());
                } else {
                    policy.saveAdapter(written.path(), model.source().nameOrPath());
                }
                written.commit();
            } catch (IOException e) {
                throw new RolloutException(
                        "rollout_server_adapter_dir: %s can't be written: %s"
                                .formatted(folder, e.getMessage()),
                        e);
            }
        }
        ranks.barrier("weights for servers");
        return new ServedWeights(name, folder, isModel());
    }

    private boolean isModel() {
        return policy.adapter().isEmpty();
    }

    @Override
    public void discard(ServedWeights weights) {
        if (ranks.writes()) {
            try {
                AtomicFolder.deleteWhole(weights.folder());
            } catch (IOException e) {
                LOG.warn("{} can't be deleted: {}", weights.folder(), e.toString());
            }
        }
    }
}
