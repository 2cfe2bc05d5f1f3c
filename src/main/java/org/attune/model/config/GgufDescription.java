package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufMetadata;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// Keys of a GGUF file's architecture, and which tensors it has. It remembers the keys that were
/// read, so that others can be refused: passing over one may compute another model.
final class GgufDescription {
    /// Keys that change nothing that is computed: sizes that tensors say, and remarks.
    private static final Set<String> REMARKS =
            Set.of(
                    "vocab_size",
                    "tensor_data_layout",
                    "attention.layer_norm_epsilon",
                    "attention.layer_norm_rms_epsilon",
                    "attention.group_norm_epsilon",
                    "attention.group_norm_groups",
                    "rope.scaling.finetuned",
                    "rope.scaling.original_context_length",
                    "pooling_type");

    private final GgufFile file;
    private final GgufMetadata metadata;
    private final Map<String, TensorFile.Entry> tensors;
    private final String prefix;
    private final Set<String> read = new HashSet<>();

    GgufDescription(GgufFile file) {
        this.file = file;
        this.metadata = file.metadata();
        this.tensors = file.entries();
        this.prefix = architecture() + ".";
    }

    /// A tensor by its name in the file.
    Optional<TensorFile.Entry> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /// Whether the file has a tensor.
    boolean holds(String name) {
        return tensors.containsKey(name);
    }

    /// A float32 vector.
    Optional<List<Double>> vector(String name) {
        return file.vector(name);
    }

    /// A list of numbers of the metadata.
    Optional<List<Float>> floats(String key) {
        return metadata.floats(own(key));
    }

    /// Whether the file has a matrix of so many rows.
    boolean holdsRows(String name, long rows) {
        return tensor(name).filter(t -> t.shape().length == 2 && t.shape()[0] == rows).isPresent();
    }

    /// Whether a block has a tensor.
    boolean blockHolds(int layer, String name) {
        return holds("blk." + layer + "." + name);
    }

    /// A tensor of the first block that has one of this name.
    Optional<TensorFile.Entry> ofSomeBlock(String name) {
        String end = "." + name;
        return tensors.entrySet().stream()
                .filter(e -> e.getKey().startsWith("blk.") && e.getKey().endsWith(end))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /// Whether some block has a tensor.
    boolean someBlockHolds(String name) {
        return ofSomeBlock(name).isPresent();
    }

    /// Blocks that are computed: those behind them predict tokens further ahead.
    int layers() {
        int all = size("block_count", DecoderConfig.MOST_LAYERS);
        int further = integer("nextn_predict_layers").orElse(0);
        if (further < 0 || further >= all) {
            throw invalid("nextn_predict_layers", "fewer than block_count, %d", all);
        }
        return all - further;
    }

    String architecture() {
        return metadata.text("general.architecture");
    }

    GgufMetadata metadata() {
        return metadata;
    }

    boolean has(String key) {
        return metadata.values().get(own(key)) != null;
    }

    OptionalInt integer(String key) {
        return metadata.optionalInteger(own(key));
    }

    int size(String key, int most) {
        return metadata.size(own(key), most);
    }

    OptionalInt optionalSize(String key, int most) {
        return metadata.optionalSize(own(key), most);
    }

    OptionalDouble number(String key) {
        return metadata.optionalNumber(own(key));
    }

    boolean flag(String key, boolean absent) {
        return metadata.flag(own(key), absent);
    }

    String text(String key, String absent) {
        return metadata.optionalText(own(key)).orElse(absent);
    }

    /// A number for each layer, of a key that gives one for all or one for each.
    ///
    /// @param absent what an absent key means
    List<Integer> perLayer(String key, int layers, int absent) {
        Object value = metadata.values().get(own(key));
        var result = new ArrayList<Integer>();
        for (int layer = 0; layer < layers; layer++) {
            Object own =
                    value instanceof List<?> list
                            ? layer < list.size() ? list.get(layer) : "nothing"
                            : value == null ? (Long) (long) absent : value;
            result.add(
                    switch (own) {
                        case Boolean flag -> flag ? 1 : 0;
                        case Long n when n >= 0 && n <= DecoderConfig.MOST_ROWS -> n.intValue();
                        default ->
                                throw invalid(
                                        key, "numbers from 0, one for each of %d layers", layers);
                    });
        }
        return result;
    }

    /// Whether the key has a value for each layer.
    boolean isList(String key) {
        return metadata.values().get(own(key)) instanceof List<?>;
    }

    ModelException invalid(String key, String accepted, Object... values) {
        return metadata.invalid(prefix + key, accepted.formatted(values));
    }

    ModelException missing(String key, String accepted) {
        return new ModelException(
                "%s: %s%s is missing; accepted: %s"
                        .formatted(metadata.where(), prefix, key, accepted));
    }

    /// Refuses keys that nothing read.
    ///
    /// @throws ModelException naming key, value and what is accepted
    void refuseOthers() {
        UncomputedKeys.refuse(metadata, prefix, read);
        for (String key : metadata.values().keySet()) {
            String rest = key.startsWith(prefix) ? key.substring(prefix.length()) : "";
            if (!rest.isEmpty()
                    && !read.contains(rest)
                    && !REMARKS.contains(rest)
                    && !UncomputedKeys.knowsGguf(rest)) {
                throw invalid(
                        rest,
                        "no such key; what it changes in %s models isn't known here",
                        architecture());
            }
        }
    }

    private String own(String key) {
        read.add(key);
        return prefix + key;
    }
}
