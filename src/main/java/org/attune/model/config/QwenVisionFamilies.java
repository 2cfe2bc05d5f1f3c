package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.List;

/// The text of Qwen's models that see pictures, whose tokens have positions of three streams.
final class QwenVisionFamilies {
    static final List<DecoderFamily> TABLE =
            List.of(
                    two("qwen2_vl_text", "Qwen2VLForConditionalGeneration"),
                    two("qwen2_5_vl_text", "Qwen2_5_VLForConditionalGeneration"),
                    FamilyRow.named("qwen3_vl_text", "Qwen3VLForConditionalGeneration")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .sections(new RopeConfig.Sections(24, 20, 20, true))
                            .heads(32)
                            .headDim(128)
                            .positions(128000, 500000)
                            .row());

    private QwenVisionFamilies() {}

    private static DecoderFamily two(String modelType, String architecture) {
        return FamilyRow.named(modelType, architecture)
                .attentionBias(BiasRule.QKV)
                .window(WindowRule.UPPER_LAYERS)
                .sections(new RopeConfig.Sections(16, 24, 24, false))
                .epsilon(1e-5)
                .heads(8)
                .positions(32768, 1e6)
                .tokens(151643, 151645)
                .row();
    }
}
