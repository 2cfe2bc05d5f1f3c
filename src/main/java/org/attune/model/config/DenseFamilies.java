package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.RotationRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.List;

/// Families whose blocks have attention and one feed-forward part.
final class DenseFamilies {
    static final TensorNames FOUR_NORMS =
            TensorNames.LLAMA.withNorms(
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm");

    private static final TensorNames TWO_NORMS_AFTER =
            TensorNames.LLAMA.withNorms("post_attention_layernorm", "post_feedforward_layernorm");

    private static final TensorNames PHI =
            TensorNames.LLAMA
                    .with()
                    .finalNorm("final_layernorm")
                    .norms("input_layernorm")
                    .qkNorms("self_attn.q_layernorm", "self_attn.k_layernorm")
                    .output("self_attn.dense")
                    .up("mlp.fc1")
                    .down("mlp.fc2")
                    .names();

    private static final TensorNames APERTUS =
            TensorNames.LLAMA
                    .with()
                    .norms("attention_layernorm", "feedforward_layernorm")
                    .up("mlp.up_proj")
                    .names();

    static final List<DecoderFamily> TABLE =
            List.of(
                    FamilyRow.named("llama", "LlamaForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("mistral", "MistralForCausalLM")
                            .window(WindowRule.ALL_LAYERS)
                            .heads(8)
                            .positions(131072, 10000)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("qwen2", "Qwen2ForCausalLM")
                            .attentionBias(BiasRule.QKV)
                            .window(WindowRule.UPPER_LAYERS)
                            .heads(32)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("qwen3", "Qwen3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .window(WindowRule.UPPER_LAYERS)
                            .requires("use_qk_norm", true)
                            .obeyed("qk_norm", "qk_layernorm")
                            .heads(32)
                            .headDim(128)
                            .positions(32768, 10000)
                            .row(),
                    FamilyRow.named("gemma", "GemmaForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .normOffset(1)
                            .activation("hidden_act", "gelu_pytorch_tanh")
                            .obeyed("hidden_activation") // what transformers passes over
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
                            .cap(0)
                            // transformers 5 reads it and caps no scores
                            .obeyed("attn_logit_softcapping")
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
                            .dropouts("attention_dropout", "resid_pdrop")
                            .positions(4096, 10000)
                            .tokens(1, 32000)
                            .pad(32000)
                            .row(),
                    FamilyRow.named("ministral3", "Ministral3ForCausalLM")
                            .window(WindowRule.ALL_LAYERS, 0)
                            .obeyed("llama_4_scaling_beta", "max_position_embeddings")
                            .heads(8)
                            .headDim(128)
                            .positions(262144, 1e6)
                            .epsilon(1e-5)
                            .tokens(1, 2)
                            .pad(11)
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
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .biasKey("use_bias", false)
                            .mlpBias("use_bias", false)
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
                            .biasKey("attention_bias", true)
                            .obeyed("attention_out_bias")
                            .mlpBias()
                            .dropouts("attention_dropout", "residual_dropout")
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
                    FamilyRow.named("olmo", "OlmoForCausalLM")
                            .obeyed(ConfigJson.CLIP)
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .norms("", _ -> new NormConfig.Bare(1e-5, true))
                            .ends(50279)
                            .pad(1)
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
                    FamilyRow.named("gpt_neox", "GPTNeoXForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .biasKey("attention_bias", true)
                            .mlpBias("", true)
                            .parallelIf(true, false)
                            .norms("layer_norm_eps", NormConfig.Layer::new)
                            .ungated()
                            .activation("hidden_act", "gelu")
                            .ropeKeys("rotary_emb_base", "rotary_pct")
                            .rotatesShare(0.25)
                            .names(TensorNames.GPT_NEOX)
                            .dropouts("attention_dropout", "hidden_dropout")
                            .epsilon(1e-5)
                            .tokens(0, 2)
                            .row(),
                    FamilyRow.named("phi", "PhiForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .biasKey("", true)
                            .mlpBias("", true)
                            .qkNormIf(QkNorm.HEADS, "qk_layernorm")
                            .order(BlockOrder.PARALLEL)
                            .norms("layer_norm_eps", NormConfig.Layer::new)
                            .ungated()
                            .activation("hidden_act", "gelu_new")
                            .outputBias()
                            .rotatesShare(0.5)
                            .names(PHI)
                            .dropouts("attention_dropout", "resid_pdrop", "embd_pdrop")
                            .epsilon(1e-5)
                            .tokens(1, 2)
                            .row(),
                    FamilyRow.named("starcoder2", "Starcoder2ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .biasKey("use_bias", true)
                            .mlpBias("use_bias", true)
                            .norms("norm_epsilon", NormConfig.Layer::new)
                            .ungated()
                            .activation("hidden_act", "gelu_pytorch_tanh")
                            .window(WindowRule.ALL_LAYERS, 0)
                            .names(
                                    TensorNames.LLAMA
                                            .with()
                                            .up("mlp.c_fc")
                                            .down("mlp.c_proj")
                                            .names())
                            .dropouts("attention_dropout", "residual_dropout", "embedding_dropout")
                            .epsilon(1e-5)
                            .heads(2)
                            .positions(4096, 10000)
                            .tokens(50256, 50256)
                            .tied()
                            .row(),
                    FamilyRow.named("stablelm", "StableLmForCausalLM")
                            .attentionBias(BiasRule.QKV_IF_CONFIGURED)
                            .biasKey("use_qkv_bias", false)
                            .qkNormIf(QkNorm.EACH, "qk_layernorm")
                            .parallelIf(false, true)
                            .norms("layer_norm_eps", NormConfig.Layer::new)
                            .rotatesShare(0.25)
                            .names(
                                    TensorNames.LLAMA
                                            .with()
                                            .qkNorms(
                                                    "self_attn.q_layernorm.norms",
                                                    "self_attn.k_layernorm.norms")
                                            .names())
                            .dropouts("attention_dropout", "hidden_dropout")
                            .epsilon(1e-5)
                            .heads(32)
                            .positions(4096, 10000)
                            .tokens(0, 0)
                            .row(),
                    FamilyRow.named("nemotron", "NemotronForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .norms("norm_eps", e -> new NormConfig.Layer(e, 1, true))
                            .ungated()
                            .activation("hidden_act", "relu2")
                            .rotatesShare(0.5)
                            .names(TensorNames.LLAMA.withUp("mlp.up_proj"))
                            .epsilon(1e-5)
                            .positions(4096, 10000)
                            .tokens(2, 3)
                            .row(),
                    FamilyRow.named("jais2", "Jais2ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .biasKey("attention_bias", true)
                            .mlpBias("mlp_bias", true)
                            .norms("layer_norm_eps", NormConfig.Layer::new)
                            .ungated()
                            .activation("hidden_act", "relu2")
                            .names(TensorNames.LLAMA.withUp("mlp.up_proj"))
                            .epsilon(1e-5)
                            .positions(8192, 10000)
                            .tokens(0, 150024)
                            .row(),
                    FamilyRow.named("cohere", "CohereForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNormIf(QkNorm.EACH, "use_qk_norm")
                            .order(BlockOrder.PARALLEL)
                            .norms("layer_norm_eps", DenseFamilies::withoutBias)
                            .neighbours()
                            .scaledLogits(0.0625)
                            .names(TensorNames.LLAMA.withNorms("input_layernorm"))
                            .epsilon(1e-5)
                            .positions(8192, 500000)
                            .tokens(5, 255001)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("cohere2", "Cohere2ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .order(BlockOrder.PARALLEL)
                            .norms("layer_norm_eps", DenseFamilies::withoutBias)
                            .pattern(4)
                            .rotation(RotationRule.WINDOWS_ONLY)
                            .neighbours()
                            .scaledLogits(0.0625)
                            .names(TensorNames.LLAMA.withNorms("input_layernorm"))
                            .epsilon(1e-5)
                            .positions(8192, 10000)
                            .tokens(5, 255001)
                            .pad(0)
                            .tied()
                            .row(),
                    FamilyRow.named("apertus", "ApertusForCausalLM")
                            .readBy(ConfigJson::parseScaled)
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.HEADS)
                            .requires("qk_norm", true)
                            .requires("post_norm", false)
                            .ungated()
                            .activation("hidden_act", "xielu")
                            .names(APERTUS)
                            .epsilon(1e-5)
                            .positions(65536, 12e6)
                            .tokens(1, 2)
                            .pad(3)
                            .row(),
                    FamilyRow.named("bitnet", "BitNetForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .activation("hidden_act", "relu2")
                            .names(
                                    TensorNames.LLAMA
                                            .with()
                                            .innerNorms(
                                                    "self_attn.attn_sub_norm", "mlp.ffn_sub_norm")
                                            .names())
                            .epsilon(1e-5)
                            .heads(5)
                            .positions(2048, 500000)
                            .tokens(128000, 128001)
                            .row(),
                    FamilyRow.named("nanochat", "NanoChatForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.ROTATED)
                            .norms("rms_norm_eps", NormConfig.Bare::new)
                            .ungated()
                            .activation("hidden_act", "relu2")
                            .normedEmbeddings()
                            .cap(15)
                            .turnsBack()
                            .names(TensorNames.LLAMA.with().up("mlp.fc1").down("mlp.fc2").names())
                            .tokens(0, 1)
                            .pad(1)
                            .row(),
                    FamilyRow.named("hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .qkNorm(QkNorm.ROTATED)
                            .obeyed("use_qk_norm", "alpha")
                            .names(
                                    TensorNames.LLAMA
                                            .with()
                                            .qkNorms(
                                                    "self_attn.query_layernorm",
                                                    "self_attn.key_layernorm")
                                            .names())
                            .epsilon(1e-5)
                            .tokens(1, 2)
                            .pad(0)
                            .row(),
                    FamilyRow.named("gpt2", "GPT2LMHeadModel")
                            .readBy(Gpt2Json::parse)
                            .attentionBias(BiasRule.QKV)
                            .names(TensorNames.GPT2)
                            .obeyed("activation_function")
                            .dropouts("attn_pdrop", "resid_pdrop", "embd_pdrop")
                            .dropout(0.1)
                            .positions(1024, 10000)
                            .tokens(50256, 50256)
                            .tied()
                            .row(),
                    FamilyRow.named("minicpm3", "MiniCPM3ForCausalLM")
                            .attentionBias(BiasRule.IF_CONFIGURED)
                            .mlpBias()
                            .latent()
                            .obeyed("scale_emb", "scale_depth", "dim_model_base")
                            .epsilon(1e-5)
                            .heads(40)
                            .positions(32768, 10000)
                            .tokens(1, 2)
                            .tied()
                            .row());
    ;

    private DenseFamilies() {}

    private static NormConfig withoutBias(double epsilon) {
        return new NormConfig.Layer(epsilon, 0, false);
    }
}
