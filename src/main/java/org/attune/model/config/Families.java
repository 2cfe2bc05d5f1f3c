package org.attune.model.config;

import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.RotationRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.List;

/// The families that are read. A row says what differs from Llama, and the values of absent keys in
/// transformers' configuration classes.
final class Families {
    private static final TensorNames FOUR_NORMS =
            TensorNames.LLAMA.withNorms(
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm");

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
                            .qkNorm()
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
                            .qkNorm()
                            .order(BlockOrder.SANDWICH)
                            .normOffset(1)
                            .activation("hidden_activation", "gelu_pytorch_tanh")
                            .scalar(256)
                            .caps(0, 0)
                            .scaledEmbeddings()
                            .window(WindowRule.PATTERN)
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
                            .obeyed("partial_rotary_factor")
                            .positions(4096, 10000)
                            .tokens(1, 32000)
                            .pad(32000)
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

    private Families() {}
}
