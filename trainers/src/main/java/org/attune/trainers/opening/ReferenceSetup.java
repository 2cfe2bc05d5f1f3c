package org.attune.trainers.opening;

import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.policy.MovingReference;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.config.ReferenceKind;
import org.attune.trainers.onpolicy.RolloutRun;

import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// Opens the reference that a run asks for. Owns a separate model if there is one; on the
/// engine thread.
public final class ReferenceSetup implements AutoCloseable {
    private final ModelSetup model;
    private final PolicySetup policy;
    private final HubCache hub;
    private Supplier<String> contentHash =
            () -> {
                throw new IllegalStateException("no reference was opened");
            };
    private Decoder separate;
    private MovingReference moving;
    private Adapter adapter = Adapter.OFF;

    public ReferenceSetup(ModelSetup model, PolicySetup policy, HubCache hub) {
        this.model = model;
        this.policy = policy;
        this.hub = hub;
    }

    /// @param kind what scores
    /// @param config the policy's model, whose settings hold for a separate one too
    /// @param reference names the separate one
    public Scorer open(ReferenceKind kind, ModelConfig config, ReferenceConfig reference) {
        boolean trainsAdapter = policy.policy().adapter().isPresent();
        if (reference.sync().syncRefModel() && trainsAdapter) {
            contentHash = () -> model.contentHash(true);
            adapter = Policy.SNAPSHOT;
            moving = policy.policy().movingAdapter(); // of a fresh one, which is the base model
            return moving;
        }
        return switch (kind) {
            case ADAPTER_OFF -> adapterOff();
            case START_ADAPTER -> startingPoint();
            case MODEL -> separateModel(config, reference);
            case PRECOMPUTED -> throw new IllegalStateException("says when, not what");
        };
    }

    /// What a run that generates is held to; empty where that doesn't count.
    ///
    /// @param coefficient of the divergence; 0: it doesn't count
    public Optional<Scorer> open(RolloutRun config, double coefficient) {
        return coefficient == 0
                ? Optional.empty()
                : Optional.of(
                        open(
                                config.referenceKind(),
                                config.model(),
                                config.reference().asReference()));
    }

    /// A fresh adapter starts as the base model itself, but for those that mend it.
    private Scorer startingPoint() {
        Optional<LoraConfig> mending =
                policy.policy()
                        .adapter()
                        .filter(_ -> model.adapter().isEmpty())
                        .map(a -> a instanceof LoraConfig lora ? lora : null)
                        .filter(a -> a.initialisation().mendsBase());
        if (model.adapter().isEmpty() && mending.isEmpty()) {
            return adapterOff();
        }
        contentHash = () -> model.contentHash(true) + mending.map(a -> " begun as " + a).orElse("");
        adapter = Policy.SNAPSHOT;
        return policy.policy().frozenAdapter();
    }

    private Scorer adapterOff() {
        contentHash = () -> model.contentHash(false);
        return policy.policy().adapterOff();
    }

    /// The weights that the opened reference scores with, to generate with.
    ///
    /// @param decoder borrowed
    /// @param adapter in use
    public record Weights(Decoder decoder, Adapter adapter) {}

    /// The weights and the adapter of the opened reference.
    public Weights weights() {
        return separate == null
                ? new Weights(policy.decoder(), adapter)
                : new Weights(separate, Adapter.OFF);
    }

    /// Tells the files that the opened reference was read from, and how it computes with them,
    /// apart from others. Reads them whole.
    public String contentHash() {
        return contentHash.get();
    }

    private Scorer separateModel(ModelConfig config, ReferenceConfig reference) {
        if (reference.refModelNameOrPath().isEmpty()) {
            if (policy.policy().adapter().isPresent()) {
                return startingPoint();
            }
            return alone(model, reference, Scorer.Start.SAME);
        }
        try (var other = ModelSetup.open(named(config, reference), hub)) {
            if (policy.policy().adapter().isPresent() && other.hasBaseOf(model)) {
                return adapterOff(); // the same weights, in memory once
            }
            boolean same = policy.policy().adapter().isEmpty() && other.hasBaseOf(model);
            return alone(other, reference, same ? Scorer.Start.SAME : Scorer.Start.OTHER);
        }
    }

    /// A model with weights that nobody else has.
    private Scorer alone(ModelSetup files, ReferenceConfig reference, Scorer.Start start) {
        String hash = reference.precomputes() ? files.contentHash(true) : "";
        contentHash = () -> hash; // the files are closed when it is asked for
        if (!reference.sync().syncRefModel()) {
            separate =
                    policy.loadFrozen(
                            () -> {
                                Decoder loaded = files.loadDecoder();
                                loaded.keepForward();
                                return loaded;
                            },
                            Function.identity());
            return Scorer.starting(Policy.reference(separate), start);
        }
        separate = files.loadDecoder();
        try {
            moving = policy.policy().movingModel(separate, start);
        } catch (IllegalArgumentException e) {
            throw ConfigException.about(
                    "ref_model_name_or_path",
                    "%s can't follow the policy (sync_ref_model: true): %s"
                            .formatted(files.source().path(), e.getMessage()));
        }
        return moving;
    }

    /// Opens the files of a separate model, if one is named, to see that it can be a reference.
    ///
    /// @throws org.attune.error.ModelException if it is missing, damaged or scores sequences
    static void requireModel(ModelConfig config, ReferenceConfig reference, HubCache hub) {
        if (reference.refModelNameOrPath().isPresent()) {
            try (var other = ModelSetup.open(named(config, reference), hub)) {
                other.predicting();
            }
        }
    }

    private static ModelConfig named(ModelConfig config, ReferenceConfig reference) {
        return config.withModelNameOrPath(reference.refModelNameOrPath().orElseThrow())
                .withModelRevision("main")
                .withoutAdapter();
    }

    @Override
    public void close() {
        if (moving != null) {
            moving.close();
        }
        if (separate != null) {
            separate.close();
        }
    }
}
