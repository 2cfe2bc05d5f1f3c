package org.attune.tensor;

/// The ATen operators in use, each with its schema in libtorch 2.7.1.
final class Operators {
    static final Aten ABS = Aten.of("aten::abs(Tensor self) -> Tensor");
    static final Aten ARGMAX =
            Aten.of("aten::argmax(Tensor self, int? dim, bool keepdim) -> Tensor");
    static final Aten ATTENTION =
            Aten.of(
                    "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value,"
                            + " Tensor? attn_mask, float dropout_p, bool is_causal, float? scale,"
                            + " bool enable_gqa) -> Tensor");
    static final Aten BITWISE_AND =
            Aten.of("aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten BITWISE_XOR =
            Aten.of("aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten BMM = Aten.of("aten::bmm(Tensor self, Tensor mat2) -> Tensor");
    static final Aten BMM_OUT =
            Aten.of("aten::bmm.out(Tensor self, Tensor mat2, Tensor(a!) out) -> Tensor(a!)");
    static final Aten CLONE = Aten.of("aten::clone(Tensor self, int? memory_format) -> Tensor");
    static final Aten COPY =
            Aten.of("aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking) -> Tensor(a!)");
    static final Aten CLAMP =
            Aten.of("aten::clamp.Tensor(Tensor self, Tensor? min, Tensor? max) -> Tensor");
    static final Aten CLAMP_ =
            Aten.of(
                    "aten::clamp_.Tensor(Tensor(a!) self, Tensor? min, Tensor? max)"
                            + " -> Tensor(a!)");
    static final Aten CUMSUM =
            Aten.of("aten::cumsum(Tensor self, int dim, ScalarType? dtype) -> Tensor");
    static final Aten DETACH = Aten.of("aten::detach(Tensor(a) self) -> Tensor(a)");
    static final Aten DIV = Aten.of("aten::div.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten DOT = Aten.of("aten::dot(Tensor self, Tensor tensor) -> Tensor");
    static final Aten ERF = Aten.of("aten::erf(Tensor self) -> Tensor");
    static final Aten EXP = Aten.of("aten::exp(Tensor self) -> Tensor");
    static final Aten EXP_ = Aten.of("aten::exp_(Tensor(a!) self) -> Tensor(a!)");
    static final Aten FILL_ =
            Aten.of("aten::fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)");
    static final Aten GATHER =
            Aten.of("aten::gather(Tensor self, int dim, Tensor index, bool sparse_grad) -> Tensor");
    static final Aten GREATER = Aten.of("aten::gt.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten INDEX_SELECT =
            Aten.of("aten::index_select(Tensor self, int dim, Tensor index) -> Tensor");
    static final Aten INDEX_SELECT_OUT =
            Aten.of(
                    "aten::index_select.out(Tensor self, int dim, Tensor index, Tensor(a!) out)"
                            + " -> Tensor(a!)");
    static final Aten INDEX_COPY_ =
            Aten.of(
                    "aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source)"
                            + " -> Tensor(a!)");
    static final Aten INVERSE = Aten.of("aten::linalg_inv(Tensor A) -> Tensor");
    static final Aten LINEAR =
            Aten.of("aten::linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor");
    static final Aten LOG = Aten.of("aten::log(Tensor self) -> Tensor");
    static final Aten LOG1P = Aten.of("aten::log1p(Tensor self) -> Tensor");
    static final Aten LOG_SIGMOID = Aten.of("aten::log_sigmoid(Tensor self) -> Tensor");
    static final Aten LOG_SOFTMAX =
            Aten.of("aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor");
    static final Aten MAX = Aten.of("aten::max(Tensor self) -> Tensor");
    static final Aten MAXIMUM = Aten.of("aten::maximum(Tensor self, Tensor other) -> Tensor");
    static final Aten MM = Aten.of("aten::mm(Tensor self, Tensor mat2) -> Tensor");
    static final Aten MM_OUT =
            Aten.of("aten::mm.out(Tensor self, Tensor mat2, Tensor(a!) out) -> Tensor(a!)");
    static final Aten MUL = Aten.of("aten::mul.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten MUL_ =
            Aten.of("aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)");
    static final Aten MUL_OUT =
            Aten.of("aten::mul.out(Tensor self, Tensor other, Tensor(a!) out) -> Tensor(a!)");
    static final Aten NARROW =
            Aten.of(
                    "aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length)"
                            + " -> Tensor(a)");
    static final Aten NEG = Aten.of("aten::neg(Tensor self) -> Tensor");
    static final Aten QR = Aten.of("aten::qr(Tensor self, bool some) -> (Tensor Q, Tensor R)");
    static final Aten RELU = Aten.of("aten::relu(Tensor self) -> Tensor");
    static final Aten REQUIRES_GRAD =
            Aten.of("aten::requires_grad_(Tensor(a!) self, bool requires_grad) -> Tensor(a!)");
    static final Aten RIGHT_SHIFT =
            Aten.of("aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor");
    static final Aten RSQRT = Aten.of("aten::rsqrt(Tensor self) -> Tensor");
    static final Aten SCATTER_ADD =
            Aten.of(
                    "aten::scatter_add_(Tensor(a!) self, int dim, Tensor index, Tensor src)"
                            + " -> Tensor(a!)");
    static final Aten SCATTER_ =
            Aten.of(
                    "aten::scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src)"
                            + " -> Tensor(a!)");
    static final Aten SELECT =
            Aten.of("aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)");
    /// [#COPY] once more, for [Uploads] that go while a call of that one is being made.
    static final Aten SEND =
            Aten.of("aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking) -> Tensor(a!)");
    static final Aten SIGMOID = Aten.of("aten::sigmoid(Tensor self) -> Tensor");
    static final Aten SIGN = Aten.of("aten::sign(Tensor self) -> Tensor");
    static final Aten SILU = Aten.of("aten::silu(Tensor self) -> Tensor");
    static final Aten SILU_OUT =
            Aten.of("aten::silu.out(Tensor self, Tensor(a!) out) -> Tensor(a!)");
    static final Aten SILU_BACKWARD =
            Aten.of("aten::silu_backward(Tensor grad_output, Tensor self) -> Tensor");
    static final Aten SILU_BACKWARD_OUT =
            Aten.of(
                    "aten::silu_backward.grad_input(Tensor grad_output, Tensor self,"
                            + " Tensor(a!) grad_input) -> Tensor(a!)");
    static final Aten SOFTMAX =
            Aten.of("aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor");
    static final Aten SOFTMAX_BACKWARD =
            Aten.of(
                    "aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim,"
                            + " ScalarType input_dtype) -> Tensor");
    static final Aten SOFTMAX_OUT =
            Aten.of(
                    "aten::_softmax.out(Tensor self, int dim, bool half_to_float, Tensor(a!) out)"
                            + " -> Tensor(a!)");
    static final Aten SQRT = Aten.of("aten::sqrt(Tensor self) -> Tensor");
    static final Aten SVD =
            Aten.of(
                    "aten::svd(Tensor self, bool some, bool compute_uv)"
                            + " -> (Tensor U, Tensor S, Tensor V)");
    static final Aten TANH = Aten.of("aten::tanh(Tensor self) -> Tensor");
    static final Aten TO_DTYPE =
            Aten.of(
                    "aten::to.dtype(Tensor self, ScalarType dtype, bool non_blocking, bool copy,"
                            + " int? memory_format) -> Tensor");
    static final Aten TOPK =
            Aten.of(
                    "aten::topk(Tensor self, SymInt k, int dim, bool largest, bool sorted)"
                            + " -> (Tensor values, Tensor indices)");
    static final Aten TRANSPOSE =
            Aten.of("aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)");
    static final Aten UNSQUEEZE = Aten.of("aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)");
    static final Aten TRIU = Aten.of("aten::triu(Tensor self, SymInt diagonal) -> Tensor");
    static final Aten VIEW_DTYPE =
            Aten.of("aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)");
    static final Aten WHERE =
            Aten.of("aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor");

    private Operators() {}
}
