package org.attune.cli.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Takes over optimizer and schedule of a DeepSpeed configuration: what isn't a key under another
/// name.
final class PastedOptimizer {
    /// Formulas under DeepSpeed's names. Its Adam decays weights as AdamW unless told otherwise.
    private static final Map<String, String> OPTIMIZERS =
            Map.of(
                    "adam", "adamw_torch",
                    "adamw", "adamw_torch",
                    "lion", "lion_32bit",
                    "adagrad", "adagrad",
                    "sgd", "sgd");

    private static final Map<String, String> SCHEDULES =
            Map.of(
                    "warmuplr", "constant_with_warmup",
                    "warmupdecaylr", "linear",
                    "warmupcosinelr", "cosine");

    private static final String WARMUP_TYPE = "scheduler.params.warmup_type";

    private PastedOptimizer() {}

    /// Takes what it knows out of the map.
    static void take(
            Map<String, PastedValue> values, PastedValue.Target target, List<String> notes) {
        take(values, "optimizer.type").ifPresent(type -> optimizer(type, target));
        take(values, "optimizer.params.betas").ifPresent(betas -> betas(betas, target));
        take(values, "optimizer.params.momentum")
                .ifPresent(m -> target.set("optim_args", m, m.scalar("momentum=" + m.text())));
        take(values, "scheduler.type")
                .ifPresent(
                        type -> {
                            schedule(type, target);
                            if (!values.containsKey(WARMUP_TYPE)) {
                                notes.add(
                                        ("%s: %s: the learning rate rises evenly, as with"
                                                        + " warmup_type: linear; DeepSpeed's"
                                                        + " default is a logarithm")
                                                .formatted(type.where(), type.label()));
                            }
                        });
    }

    private static Optional<PastedValue> take(Map<String, PastedValue> values, String path) {
        return Optional.ofNullable(values.remove(path))
                .filter(value -> !value.isAuto() && !value.value().isNull());
    }

    private static void optimizer(PastedValue type, PastedValue.Target target) {
        String optim = OPTIMIZERS.get(type.lower());
        if (optim == null) {
            target.refuse(
                    type, "AdamW, Adam, Lion, Adagrad or SGD, or optim in the run's file alone");
        } else if (!optim.equals("adamw_torch")
                || !target.says("optim", "adamw_torch_fused", "adamw_hf")) { // one formula
            target.set("optim", type, type.scalar(optim));
        }
    }

    private static void betas(PastedValue betas, PastedValue.Target target) {
        if (betas.value() instanceof YamlNode.Items(var items, int _) && items.size() == 2) {
            target.set("adam_beta1", betas, items.getFirst());
            target.set("adam_beta2", betas, items.getLast());
        } else {
            target.refuse(betas, "auto, or two numbers");
        }
    }

    private static void schedule(PastedValue type, PastedValue.Target target) {
        String schedule = SCHEDULES.get(type.lower());
        if (schedule == null) {
            target.refuse(
                    type,
                    "WarmupLR, WarmupDecayLR or WarmupCosineLR, or lr_scheduler_type in the run's"
                            + " file alone");
        } else {
            target.set("lr_scheduler_type", type, type.scalar(schedule));
        }
    }
}
