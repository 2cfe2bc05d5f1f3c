package org.attune.tensor;

/// Flash attention by libtorch's own operators, declared when a GPU first asks for them.
final class AtenFlash implements FlashOperators {
    static final FlashOperators OPERATORS = new AtenFlash();

    /// Newer ones take two more arguments.
    private static final boolean MORE =
            !Engine.libtorch().version().matches("2\\.(7|8|9|10|11)\\..*");

    private static final Aten FORWARD =
            Aten.of(
                    "aten::_flash_attention_forward(Tensor query, Tensor key, Tensor value,"
                            + " Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt"
                            + " max_k, float dropout_p, bool is_causal, bool"
                            + " return_debug_mask, float? scale, SymInt? window_size_left,"
                            + " SymInt? window_size_right, Tensor? seqused_k, Tensor?"
                            + " alibi_slopes"
                            + (MORE ? ", Tensor? block_table, SymInt? num_splits" : "")
                            + ") -> (Tensor output, Tensor softmax_logsumexp, Tensor rng_state,"
                            + " Tensor unused, Tensor debug_attn_mask)");
    private static final Aten BACKWARD =
            Aten.of(
                    "aten::_flash_attention_backward(Tensor grad_out, Tensor query, Tensor key,"
                            + " Tensor value, Tensor out, Tensor logsumexp, Tensor cum_seq_q,"
                            + " Tensor cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p,"
                            + " bool is_causal, Tensor rng_state, Tensor unused, float? scale,"
                            + " SymInt? window_size_left, SymInt? window_size_right)"
                            + " -> (Tensor, Tensor, Tensor)");

    private AtenFlash() {}

    @Override
    public FlashAttention.Result forward(
            Tensor q,
            Tensor k,
            Tensor v,
            FlashAttention.Entries entries,
            double scale,
            int window) {
        Aten call =
                FORWARD.with(q)
                        .with(k)
                        .with(v)
                        .with(entries.queries())
                        .with(entries.keys())
                        .with((long) entries.mostQueries())
                        .with((long) entries.mostKeys())
                        .with(0.0)
                        .with(entries.causal())
                        .with(false)
                        .with(scale);
        call = window > 0 ? call.with(window - 1L).with(0L) : call.none().none();
        call = entries.used().isPresent() ? call.with(entries.used().get()) : call.none();
        call = call.none();
        Tensor[] made = (MORE ? call.none().none() : call).callFirst(2);
        return new FlashAttention.Result(made[0], made[1]);
    }

    @Override
    public Tensor[] backward(
            Tensor dOut,
            Tensor q,
            Tensor k,
            Tensor v,
            FlashAttention.Result result,
            FlashAttention.Entries entries,
            double scale) {
        Tensor noDraws = Tensor.zeros(q.device(), DType.INT64, 2);
        return BACKWARD.with(dOut)
                .with(q)
                .with(k)
                .with(v)
                .with(result.out())
                .with(result.logs())
                .with(entries.queries())
                .with(entries.keys())
                .with((long) entries.mostQueries())
                .with((long) entries.mostKeys())
                .with(0.0)
                .with(entries.causal())
                .with(noDraws)
                .with(noDraws)
                .with(scale)
                .none()
                .none()
                .callMany();
    }
}
