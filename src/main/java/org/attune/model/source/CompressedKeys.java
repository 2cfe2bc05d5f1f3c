package org.attune.model.source;

import org.attune.files.JsonFields;

import java.util.List;
import java.util.Set;

/// What compressed-tensors' `quantization_config` says beside what tensors say themselves: what
/// isn't read is refused.
final class CompressedKeys {
    private static final Set<String> FORMATS =
            Set.of(
                    "pack-quantized",
                    "int-quantized",
                    "float-quantized",
                    "naive-quantized",
                    "mixed-precision");
    private static final String ACCEPTED =
            "pack-quantized, int-quantized, float-quantized, naive-quantized, mixed-precision";
    private static final List<Integer> BITS = List.of(4, 8);

    private CompressedKeys() {}

    /// Sides of blocks that share a scale; empty: there are none.
    static List<Integer> block(JsonFields json) {
        requireFormat(json);
        if (!json.text("quantization_status", "compressed").equals("compressed")) {
            throw json.invalid("quantization_status", "compressed");
        }
        json.object("sparsity_config")
                .filter(sparsity -> !sparsity.text("format", "dense").equals("dense"))
                .ifPresent(
                        sparsity -> {
                            throw sparsity.invalid("format", "dense");
                        });
        if (json.object("transform_config").filter(t -> !t.keys().isEmpty()).isPresent()) {
            throw json.invalid("transform_config", "null or {}");
        }
        List<Integer> block = List.of();
        JsonFields groups = json.object("config_groups").orElse(JsonFields.parse("", "{}"));
        for (String name : groups.keys()) {
            JsonFields group = groups.object(name).orElseThrow();
            requireFormat(group);
            JsonFields weights =
                    group.object("weights")
                            .orElseThrow(() -> group.invalid("weights", "an object"));
            List<Integer> own = ofGroup(weights);
            if (!own.isEmpty() && !block.isEmpty() && !own.equals(block)) {
                throw weights.invalid("block_structure", "the same in all groups");
            }
            block = own.isEmpty() ? block : own;
        }
        return block;
    }

    private static List<Integer> ofGroup(JsonFields weights) {
        int bits = weights.integer("num_bits", BITS.getLast());
        boolean whole = weights.text("type", "int").equals("int");
        if (whole ? !BITS.contains(bits) : bits != BITS.getLast()) {
            throw weights.invalid("num_bits", whole ? "4, 8" : "8 with type float");
        }
        boolean text = weights.has("block_structure") && weights.get("block_structure").isTextual();
        String[] sides = text ? weights.text("block_structure").split("x") : new String[0];
        return text // of older versions: 128x128
                ? ScaledTensors.block(
                        JsonFields.parse(
                                weights.where(), "{\"block_structure\":" + List.of(sides) + "}"),
                        "block_structure")
                : ScaledTensors.block(weights, "block_structure");
    }

    private static void requireFormat(JsonFields json) {
        if (json.has("format") && !FORMATS.contains(json.text("format"))) {
            throw json.invalid("format", ACCEPTED);
        }
    }
}
