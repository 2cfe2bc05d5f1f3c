package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What sees pictures in a model of text and images: an encoder of square tiles, bidirectional
/// blocks with LayerNorm, and a projection of its shuffled output into the decoder's rows.
///
/// @param modelType  `model_type` of the whole model
/// @param width      features of a patch in the encoder
/// @param inner      width inside of the encoder's feed-forward parts
/// @param layers     number of the encoder's blocks
/// @param heads      of its attention
/// @param imageSize  pixels of a tile's side for which positions are learned
/// @param patchSize  pixels of a patch's side
/// @param channels   numbers of a pixel
/// @param activation of its feed-forward parts
/// @param epsilon    ε of its norms
/// @param shuffle    patches of a side whose features become one row of the decoder
/// @param imageToken id of the token in whose places rows of pictures stand
public record VisionConfig(
        String modelType,
        int width,
        int inner,
        int layers,
        int heads,
        int imageSize,
        int patchSize,
        int channels,
        Activation activation,
        double epsilon,
        int shuffle,
        int imageToken) {
    /// Families whose encoder is computed; transformers' SmolVLM is Idefics3 but for its name.
    static final List<String> FAMILIES = List.of("idefics3", "smolvlm");

    private static final String MODEL = "model.";

    /// Path of the encoder.
    public static final String ENCODER = MODEL + "vision_model";

    /// Path of the projection.
    public static final String PROJECTION = MODEL + "connector.modality_projection.proj";

    /// Learned patch embedding in the encoder, a convolution.
    public static final String PATCHES = ENCODER + ".embeddings.patch_embedding";

    /// Learned positions of patches in the encoder.
    public static final String POSITIONS = ENCODER + ".embeddings.position_embedding";

    /// Norm behind the encoder's blocks.
    public static final String LAST_NORM = ENCODER + ".post_layernorm";

    /// Norms of an encoder's block, in the order in which they are computed.
    public static final List<String> NORMS = List.of("layer_norm1", "layer_norm2");

    /// Projections of an encoder's block, in the order in which they are computed.
    public static final List<String> LINEARS =
            List.of(
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.out_proj",
                    "mlp.fc1",
                    "mlp.fc2");

    /// @throws ModelException if the numbers can't belong to one encoder
    public VisionConfig {
        if (width % heads != 0 || imageSize % patchSize != 0) {
            throw new ModelException(
                    ("vision_config: %d features in %d heads, tiles of %d pixels in patches of %d;"
                                    + " each must go into the other")
                            .formatted(width, heads, imageSize, patchSize));
        }
        if (imageSize / patchSize % shuffle != 0) {
            throw new ModelException(
                    "scale_factor %d doesn't divide the %d patches of a tile's side"
                            .formatted(shuffle, imageSize / patchSize));
        }
    }

    /// Reads a whole `config.json` of one of [#FAMILIES].
    static VisionConfig read(JsonFields whole) {
        JsonFields json =
                whole.object("vision_config")
                        .orElseThrow(() -> whole.invalid("vision_config", "an object"));
        int most = DecoderConfig.MOST_FEATURES;
        if (json.number("attention_dropout", 0) != 0) {
            throw json.invalid("attention_dropout", "0: the encoder drops nothing");
        }
        return new VisionConfig(
                whole.text("model_type"),
                json.size("hidden_size", most, 1152),
                json.size("intermediate_size", most, 3072),
                json.size("num_hidden_layers", DecoderConfig.MOST_LAYERS, 12),
                json.size("num_attention_heads", most, 16),
                json.size("image_size", most, 224),
                json.size("patch_size", most, 32),
                json.size("num_channels", most, 3),
                ConfigJson.activation(json, "hidden_act", "gelu_pytorch_tanh"),
                json.number("layer_norm_eps", 1e-6),
                whole.size("scale_factor", most, 2),
                whole.integer("image_token_id", 128257));
    }

    /// Path of everything of the decoder but the output layer.
    public String text() {
        return MODEL + "text_model";
    }

    /// Whether a tensor is of what sees pictures.
    public boolean holds(String name) {
        return name.startsWith(MODEL) && !name.startsWith(text() + ".");
    }

    /// Path of a block of the encoder, with a dot behind it.
    public String block(int layer) {
        return ENCODER + ".encoder.layers." + layer + ".";
    }

    /// Learned positions of a side.
    public int side() {
        return imageSize / patchSize;
    }

    /// Features that the projection reads.
    public int projected() {
        return width * shuffle * shuffle;
    }

    /// Rows of the decoder that a tile takes.
    ///
    /// @param pixels of its side
    public int rowsOfTile(int pixels) {
        int rows = pixels / patchSize / shuffle;
        return rows * rows;
    }

    /// The projections of all blocks and the one behind them, with their shapes `(out, in)`.
    ///
    /// @param out width of the decoder
    public Map<String, long[]> linears(int out) {
        Map<String, long[]> all = new LinkedHashMap<>();
        for (int layer = 0; layer < layers; layer++) {
            for (String name : LINEARS) {
                long rows = name.endsWith("fc1") ? inner : width;
                long columns = name.endsWith("fc2") ? inner : width;
                all.put(block(layer) + name, new long[] {rows, columns});
            }
        }
        all.put(PROJECTION, new long[] {out, projected()});
        return all;
    }

    /// Paths of all norms.
    public List<String> norms() {
        var all = new ArrayList<String>();
        for (int layer = 0; layer < layers; layer++) {
            String block = block(layer);
            NORMS.forEach(norm -> all.add(block + norm));
        }
        all.add(LAST_NORM);
        return all;
    }
}
