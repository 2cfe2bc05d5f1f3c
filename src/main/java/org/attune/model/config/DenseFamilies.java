package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.RotationRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.List;

/// Families whose blocks have attention and one feed-forward part.
final class DenseFamilies {
    private static final TensorNames FOUR_NORMS =
            TensorNames.LLAMA.withNorms(
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm");

    private static final TensorNames TWO_NORMS_AFTER =
            TensorNames.LLAMA.withNorms("post_attention_layernorm", "post_feedforward_layernorm");

    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("llama", "LlamaForCausalLM")
                            .gguf("llama")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("mistral", "MistralForCausalLM")
                            .gguf("llama")
                            .window(WindowRule.ALL_LAYERS)
                            .heads(8)
                            .positions(131072, 10000)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("qwen2", "Qwen2ForCausalLM")
                            .gguf("qwen2")
                            .attentionBias(BiasRule.QKV)
                            .window(WindowRule.UPPER_LAYERS)
                            .heads(32)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3", "Qwen3ForCausalLM")
                            .gguf("qwen3")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .window(WindowRule.UPPER_LAYERS)
                            .obeyed("use_qk_norm", "qk_norm", "qk_layernorm")
                            .heads(32)
                            .headDim(128)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("gemma", "GemmaForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .normOffset(1)
                            .activation("hidden_act", "gelu_pytorch_tanh")
                            .scaledEmbeddings()
                            .heads(16)
                            .headDim(256)
                            .positions(8192, 10000)
                            .tokens(2, 1)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("gemma2", "Gemma2ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .order(BlockOrder.SANDWICH)
                            .normOffset(1)
                            .activation("hidden_activation", "gelu_pytorch_tanh")
                            .scalar(256)
                            .caps(50, 30)
                            .scaledEmbeddings()
                            .window(WindowRule.ALTERNATING)
                            .names(FOUR_NORMS)
                            .heads(4)
                            .headDim(256)
                            .positions(8192, 10000)
                            .tokens(2, 1)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("gemma3_text", "Gemma3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .order(BlockOrder.SANDWICH)
                            .normOffset(1)
                            .activation("hidden_activation", "gelu_pytorch_tanh")
                            .scalar(256)
                            .caps(0, 0)
                            .scaledEmbeddings()
                            .pattern(6)
                            .rotation(RotationRule.WINDOWS_APART)
                            .names(FOUR_NORMS)
                            .heads(4)
                            .headDim(256)
                            .positions(131072, 1e6)
                            .tokens(2, 1)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("smollm3", "SmolLM3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .rotation(RotationRule.SOME_STILL)
                            .heads(4)
                            .positions(32768, 2e6)
                            .tokens(128000, 128001)
                            .pad(128004)
                            .tied()
                            .row(),
                    FamilyRow.named("phi3", "Phi3ForCausalLM")
                            .window(WindowRule.ALL_LAYERS, 0)
                            .names(
                                    TensorNames.LLAMA.withFused(
                                            "self_attn.qkv_proj", "mlp.gate_up_proj"))
                            .rotatesShare(1)
                            .positions(4096, 10000)
                            .tokens(1, 32000)
                            .pad(32000)
                            .row(),
                    FamilyRow.named("ministral", "MinistralForCausalLM")
                            .window(WindowRule.LISTED)
                            .heads(8)
                            .positions(131072, 10000)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("internlm3", "InternLM3ForCausalLM")
                            .heads(2)
                            .headDim(128)
                            .positions(32768, 10000)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("arcee", "ArceeForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .ungated()
                            .activation("hidden_act", "relu2")
                            .names(TensorNames.LLAMA.withUp("mlp.up_proj"))
                            .epsilon(1e-5)
                            .positions(4096, 10000)
                            .tokens(128000, 128001)
                            .row(),
                    FamilyRow.named("helium", "HeliumForCausalLM")
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .mlpBias()
                            .neighbours()
                            .epsilon(1e-8)
                            .heads(20)
                            .headDim(128)
                            .positions(4096, 100000)
                            .tokens(1, 2)
                            .pad(3)
                            .row(),
                    FamilyRow.named("ernie4_5", "Ernie4_5ForCausalLM")
                            .neighbours()
                            .epsilon(1e-5)
                            .heads(2)
                            .headDim(128)
                            .positions(131072, 500000)
                            .tokens(1, 2)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("glm", "GlmForCausalLM")
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .neighbours()
                            .rotatesShare(0.5)
                            .names(TensorNames.LLAMA.withUp("mlp.gate_up_proj"))
                            .epsilon(0.00000015625)
                            .heads(2)
                            .headDim(128)
                            .positions(131072, 10000)
                            .ends(151329, 151336, 151338)
                            .pad(151329)
                            .row(),
                    FamilyRow.named("glm4", "Glm4ForCausalLM")
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .order(BlockOrder.SANDWICH)
                            .neighbours()
                            .rotatesShare(0.5)
                            .names(
                                    TensorNames.LLAMA
                                            .withUp("mlp.gate_up_proj")
                                            .withNorms(
                                                    "input_layernorm",
                                                    "post_self_attn_layernorm",
                                                    "post_attention_layernorm",
                                                    "post_mlp_layernorm"))
                            .epsilon(0.00000015625)
                            .heads(2)
                            .headDim(128)
                            .positions(131072, 10000)
                            .ends(151329, 151336, 151338)
                            .pad(151329)
                            .row(),
                    FamilyRow.named("seed_oss", "SeedOssForCausalLM")
                            .attentionBias(BiasRule.OUTPUT_APART)
                            .obeyed("attention_out_bias")
                            .mlpBias()
                            .dropoutKeys("the larger of attention_dropout and residual_dropout")
                            .dropout(0.1)
                            .heads(8)
                            .headDim(128)
                            .positions(524288, 10000)
                            .tokens(0, 2)
                            .pad(1)
                            .row(),
                    FamilyRow.named("granite", "GraniteForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .multiplies()
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("olmo2", "Olmo2ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.TOGETHER)
                            .order(BlockOrder.POST_NORM)
                            .names(TWO_NORMS_AFTER)
                            .epsilon(1e-5)
                            .ends(50279)
                            .pad(1)
                            .row(),
                    FamilyRow.named("olmo3", "Olmo3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.TOGETHER)
                            .order(BlockOrder.POST_NORM)
                            .pattern(4)
                            .rotation(RotationRule.WINDOWS_UNSCALED)
                            .names(TWO_NORMS_AFTER)
                            .epsilon(1e-5)
                            .ends(50279)
                            .pad(1)
                            .row(),
                    FamilyRow.named("exaone4", "Exaone4ForCausalLM")
                            .qkNorm(QkNorm.HEADS)
                            .order(BlockOrder.POST_NORM)
                            .pattern(4)
                            .rotation(RotationRule.FULL_STILL)
                            .names(TWO_NORMS_AFTER)
                            .epsilon(1e-5)
                            .heads(32)
                            .tokens(0, 2)
                            .row(),
                    FamilyRow.named("gpt2", "GPT2LMHeadModel")
                            .readBy(Gpt2Json::parse)
                            .attentionBias(BiasRule.QKV)
                            .names(TensorNames.GPT2)
                            .obeyed("activation_function")
                            .dropoutKeys(
                                    "the largest of attn_pdrop, resid_pdrop and embd_pdrop (0.1"
                                            + " where absent)")
                            .positions(1024, 10000)
                            .tokens(50256, 50256)
                            .tied()
                            .row());

    private DenseFamilies() {}
}
