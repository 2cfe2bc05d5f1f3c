package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.DecoderConfig;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// Refuses models whose files hold weights of a computation that isn't made: biases, further norms,
/// further layers. Without them the model would be another one. What stands beside the blocks, as
/// the head of another task, is passed over.
final class UnreadTensors {
    private static final String BIAS = ".bias";

    /// Tables and masks that older versions of transformers saved.
    private static final Pattern BUFFER =
            Pattern.compile(
                    ".*\\.(rotary_emb\\.\\w+|(attn|attention)\\.(masked_)?bias|masked_bias)");

    private UnreadTensors() {}

    /// @param read names of the tensors that the decoder took
    /// @throws ModelException naming the first one that it should have taken
    static void refuse(DecoderConfig config, TensorFile file, Set<String> read) {
        List<String> further = further(config, file);
        Set<String> unused = unused(config);
        for (String name : file.entries().keySet()) {
            boolean passedOver = further.stream().anyMatch(name::startsWith);
            if (belongs(name, config)
                    && !read.contains(name)
                    && !passedOver
                    && !unused.contains(name)
                    && !isZeroBias(file, name)) {
                throw new ModelException(
                        ("the model's files hold the tensor \"%s\", with which a %s model of %d"
                                        + " layers computes nothing here; the configuration is"
                                        + " another model's, or the model isn't supported")
                                .formatted(name, config.modelType(), config.layers()));
            }
        }
        String output = config.names().head() + ".weight";
        if (config.tiesOutput() && file.entries().containsKey(output)) {
            requireEqual(file, output, config.names().embeddingPath() + ".weight");
        }
    }

    /// Refuses weights of the encoder of pictures, or of its projection, that nothing reads.
    static void refuseOfVision(DecoderConfig config, TensorFile file, Set<String> read) {
        for (String name : file.entries().keySet()) {
            if (config.vision().filter(v -> v.holds(name)).isPresent() && !read.contains(name)) {
                throw new ModelException(
                        "the model's files hold the tensor \"%s\", with which nothing that sees pictures computes here"
                                .formatted(name));
            }
        }
    }

    /// Files of GPTQ may have a bias of zeros with each matrix in few bits.
    private static boolean isZeroBias(TensorFile file, String name) {
        if (!name.endsWith(BIAS)
                || file.bits(name.substring(0, name.length() - BIAS.length()) + ".weight")
                        .isEmpty()) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bias = file.read(name, arena);
            return bias.mismatch(arena.allocate(bias.byteSize())) < 0;
        }
    }

    /// Paths of blocks behind the last that predict tokens further ahead, which transformers leaves
    /// out too ([DeepSeek-V3, §2.2](https://arxiv.org/abs/2412.19437)).
    private static List<String> further(DecoderConfig config, TensorFile file) {
        List<String> paths = new ArrayList<>();
        int layer = config.layers();
        while (file.entries().containsKey(config.names().block(layer) + "eh_proj.weight")) {
            paths.add(config.names().block(layer));
            layer++;
        }
        return paths;
    }

    /// Keys and values of layers that attend to those of others. Some files hold them; transformers
    /// passes over them too.
    private static Set<String> unused(DecoderConfig config) {
        Set<String> names = new HashSet<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            if (config.attention().source(layer) != layer) {
                String attention = config.names().block(layer) + "self_attn.";
                for (String own : List.of("k_proj", "v_proj", "k_norm", "v_norm")) {
                    names.add(attention + own + ".weight");
                    names.add(attention + own + ".bias");
                }
            }
        }
        return names;
    }

    private static boolean belongs(String name, DecoderConfig config) {
        boolean inTrunk = name.startsWith(config.names().trunk() + ".");
        return (inTrunk || name.startsWith("blk.")) // as in GGUF files
                        && !BUFFER.matcher(name).matches()
                || name.equals(config.names().head() + ".bias") && !config.scores();
    }

    /// Older files repeat a tied embedding.
    private static void requireEqual(TensorFile file, String repeated, String name) {
        TensorFile.Entry output = file.entries().get(repeated);
        TensorFile.Entry embedding = file.entries().get(name);
        boolean equal =
                output.dtype() == embedding.dtype()
                        && Arrays.equals(output.shape(), embedding.shape());
        if (equal) {
            try (Arena arena = Arena.ofConfined()) {
                equal = file.read(repeated, arena).mismatch(file.read(name, arena)) < 0;
            }
        }
        if (!equal) {
            throw new ModelException(
                    ("tie_word_embeddings is true, but the files hold a tensor \"%s\" unlike"
                         + " \"%s\"; set the key to false if the model has an output layer of its"
                         + " own")
                            .formatted(repeated, name));
        }
    }
}
