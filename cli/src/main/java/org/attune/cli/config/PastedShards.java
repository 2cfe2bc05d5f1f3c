package org.attune.cli.config;

import java.util.List;
import java.util.Optional;

/// What files of FSDP say of cutting a model over processes, as a `zero_stage`.
final class PastedShards {
    private PastedShards() {}

    /// Whether a setting is one of FSDP's strategies.
    static boolean isStrategy(PastedValue value) {
        return value.path().endsWith("sharding_strategy")
                || value.path().endsWith("reshard_after_forward");
    }

    /// Takes over a strategy of FSDP, by its name or number, or FSDP 2's answer whether weights are
    /// cut again after a forward pass.
    static void strategy(PastedValue value, PastedValue.Target target) {
        switch (value.lower()) {
            case "no_shard", "3" -> {} // what the run's file says
            case "shard_grad_op", "2", "false" ->
                    target.set("zero_stage", value, value.scalar("2"));
            case "full_shard", "1", "true" -> target.set("zero_stage", value, value.scalar("3"));
            case "hybrid_shard", "hybrid_shard_zero2", "_hybrid_shard_zero2", "4", "5" ->
                    target.refuse(
                            value,
                            "FULL_SHARD or SHARD_GRAD_OP, as zero_stage: 3 or 2, which cut over the"
                                    + " ranks of all machines");
            default -> target.refuse(value, "FULL_SHARD, SHARD_GRAD_OP or NO_SHARD");
        }
    }

    /// What a value of the key `fsdp` says: strategy and switches, between spaces or as a list.
    ///
    /// @return the strategy if FSDP is on; empty if it is off
    static Optional<PastedValue> options(PastedValue value, PastedValue.Target target) {
        String words = value.lower().replaceAll("[\\[\\],]", " ").strip();
        if (List.of("", "false", "none").contains(words)) {
            return Optional.empty();
        }
        String strategy = "full_shard";
        for (String word : words.split("\\s+", -1)) {
            if (word.equals("offload")) {
                target.refuse(
                        value, "no offload; gradient_checkpointing and max_memory save memory");
            } else if (!word.equals("true") && !word.equals("auto_wrap")) {
                strategy = word;
            }
        }
        YamlNode.Scalar said = value.scalar(strategy);
        return Optional.of(new PastedValue(value.label(), value.path(), said, value.where()));
    }
}
