package org.attune.trainers.opening;

import org.attune.error.RolloutException;
import org.attune.files.AtomicFolder;
import org.attune.models.ModelSetup;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.ValueHash;
import org.attune.ranks.Collective;
import org.attune.rollout.source.AdapterVersions;
import org.attune.rollout.source.ServedAdapter;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// The trained adapter in a folder that servers see too. A version's name has the round and a
/// checksum of the weights: a run that makes a round again finds what servers have already, and no
/// server takes other weights for it.
///
/// @param shelf the folder; each version is a folder in it
/// @param run begins the names
/// @param policy borrowed
/// @param base name of the base model, for PEFT
/// @param ranks processes of the run, which have the same weights; borrowed
record WrittenAdapters(Path shelf, String run, Policy policy, String base, Collective ranks)
        implements AdapterVersions {
    private static final Logger LOG = LoggerFactory.getLogger(WrittenAdapters.class);

    /// What a run has its servers load, if anything.
    static Optional<AdapterVersions> of(
            GeneratingRun config, ModelSetup model, Policy policy, Collective ranks) {
        RolloutSourceConfig from = config.rollouts();
        Path output = config.training().save().outputDir().toAbsolutePath().normalize();
        String run = from.rolloutServerModel().orElse(String.valueOf(output.getFileName()));
        return from.rolloutServerAdapterDir()
                .map(
                        shelf ->
                                new WrittenAdapters(
                                        shelf, run, policy, model.source().nameOrPath(), ranks));
    }

    /// @throws RolloutException if the folder can't be written
    @Override
    public ServedAdapter write(long round) {
        ParameterSpace space = policy.parameters();
        long checksum = (long) ValueHash.of(space.values());
        String name =
                "%s-%d-%08x".formatted(run.replaceAll("[^A-Za-z0-9._-]", "_"), round, checksum);
        Path folder = shelf.toAbsolutePath().normalize().resolve(name);
        if (ranks.writes()) {
            try (AtomicFolder written = AtomicFolder.create(folder)) {
                policy.saveAdapter(written.path(), base);
                written.commit();
            } catch (IOException e) {
                throw new RolloutException(
                        "rollout_server_adapter_dir: %s can't be written: %s"
                                .formatted(folder, e.getMessage()),
                        e);
            }
        }
        ranks.barrier("adapter for servers");
        return new ServedAdapter(name, folder);
    }

    @Override
    public void discard(ServedAdapter adapter) {
        if (ranks.writes()) {
            try {
                AtomicFolder.deleteWhole(adapter.folder());
            } catch (IOException e) {
                LOG.warn("{} can't be deleted: {}", adapter.folder(), e.toString());
            }
        }
    }
}
