package org.attune.model.config;

import org.attune.model.config.TensorNames.InFile;
import org.attune.model.config.VisionConfig.Names;

import java.util.List;
import java.util.stream.Stream;

/// Names of tensors, by encoder, and how files of families call them.
final class VisionNames {
    private static final String TEXT = "model.language_model";
    private static final String TOWER = "model.vision_tower";

    /// Path of the connector of all families but Idefics3.
    static final String PROJECTOR = "model.multi_modal_projector.";

    /// The vector behind a line of a picture's rows.
    static final String NEWLINE = "model.image_newline";

    /// What files call otherwise where modules of the whole begin with `model.`: the text model is
    /// whole in them. Encoders of CLIP and SigLIP are one deeper in older files.
    private static final List<InFile> IN_FILES =
            List.of(
                    new InFile(TEXT + ".", "language_model.model.", true),
                    new InFile("lm_head.", "language_model.lm_head.", true),
                    new InFile(TOWER + ".", "model.vision_tower.vision_model.", false),
                    new InFile(TOWER + ".", "vision_tower.vision_model.", false),
                    new InFile(TOWER + ".", "vision_tower.", true),
                    new InFile(PROJECTOR, "multi_modal_projector.", true),
                    new InFile(NEWLINE, "image_newline", true));

    /// SigLIP's in Idefics3.
    static final Names IDEFICS3 = siglip("model.text_model", "model.vision_model", List.of());

    /// SigLIP's in other families.
    static final Names SIGLIP = siglip(TEXT, TOWER, IN_FILES);

    /// CLIP's.
    static final Names CLIP =
            new Names(
                    TEXT,
                    TOWER,
                    SIGLIP.patches(),
                    "embeddings.class_embedding",
                    SIGLIP.positions(),
                    "pre_layrnorm", // as CLIP spells it
                    SIGLIP.blocks(),
                    SIGLIP.norms(),
                    SIGLIP.qkv(),
                    List.of(),
                    SIGLIP.output(),
                    SIGLIP.up(),
                    SIGLIP.down(),
                    List.of(),
                    SIGLIP.lastNorm(),
                    IN_FILES);

    /// InternViT's.
    static final Names INTERNVIT =
            new Names(
                    TEXT,
                    TOWER,
                    "embeddings.patch_embeddings.projection",
                    "embeddings.cls_token",
                    "embeddings.position_embeddings",
                    "",
                    "encoder.layer",
                    List.of("layernorm_before", "layernorm_after"),
                    projections("attention."),
                    List.of("attention.q_norm", "attention.k_norm"),
                    "attention.projection_layer",
                    SIGLIP.up(),
                    SIGLIP.down(),
                    List.of("lambda_1", "lambda_2"),
                    "layernorm",
                    IN_FILES);

    /// Pixtral's.
    static final Names PIXTRAL =
            new Names(
                    TEXT,
                    TOWER,
                    "patch_conv",
                    "",
                    "",
                    "ln_pre",
                    "transformer.layers",
                    List.of("attention_norm", "ffn_norm"),
                    projections("attention."),
                    List.of(),
                    "attention.o_proj",
                    List.of("feed_forward.gate_proj", "feed_forward.up_proj"),
                    "feed_forward.down_proj",
                    List.of(),
                    "",
                    IN_FILES);

    private VisionNames() {}

    private static Names siglip(String text, String encoder, List<InFile> inFiles) {
        return new Names(
                text,
                encoder,
                "embeddings.patch_embedding",
                "",
                "embeddings.position_embedding.weight",
                "",
                "encoder.layers",
                List.of("layer_norm1", "layer_norm2"),
                projections("self_attn."),
                List.of(),
                "self_attn.out_proj",
                List.of("mlp.fc1"),
                "mlp.fc2",
                List.of(),
                "post_layernorm",
                inFiles);
    }

    private static List<String> projections(String path) {
        return Stream.of("q_proj", "k_proj", "v_proj").map(path::concat).toList();
    }
}
