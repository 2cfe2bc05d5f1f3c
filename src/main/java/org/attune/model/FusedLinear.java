package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Kernels;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.PanelMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Linear layers that read the same input (q, k and v; gate and up), as one product.
///
/// The trained adapter stands in extra columns: with `u = x (sA)ᵀ`, `[x | u] [W | B]ᵀ` is one
/// product that adds the update in float32 before rounding, and its backward pass gives the
/// gradients of `x` and `u` in one product too. `B`s stand block-diagonally.
/// A frozen second adapter (a reference) of the same form borrows these columns for a pass, so that
/// equal adapters give equal bits; one of another form is added by products of its own.
public final class FusedLinear {
    /// @param path module path as Hugging Face spells it, e.g. `model.layers.0.self_attn.q_proj`
    /// @param firstRow first row of the fused matrix
    /// @param out rows
    /// @param hasBias whether it has a bias
    public record Part(String path, int firstRow, int out, boolean hasBias) {}

    private final TensorScope owner;
    private final List<Part> parts;
    private final int in;
    private final int out;
    private Tensor matrix; // (out, in + extra), or null: there is the packed copy only
    private final Tensor bias; // (out) or null
    private boolean packs;
    private PackedMatrix packed; // of `matrix` as it is, or null
    private PackedMatrix packedBack; // of the base, transposed, or null
    private final Map<Adapter, PackedMatrix> packedFrozen = new HashMap<>();
    private DecodingWeights decoding; // or null
    private Reducers reducers; // the `sA` of the adapter in the columns; null without
    private int extra;
    private final List<LowRank> trained = new ArrayList<>();
    private final Map<Adapter, List<LowRank>> frozen = new HashMap<>();
    private Tensor[] weightGradients = {};
    private Tensor[] biasGradients = {};

    /// @param packs whether to keep a copy of the matrix in the layout that products like best
    FusedLinear(
            TensorScope owner,
            List<Part> parts,
            int in,
            Device device,
            DType dtype,
            boolean packs) {
        this.packs = packs;
        this.owner = owner;
        this.parts = List.copyOf(parts);
        this.in = in;
        out = parts.stream().mapToInt(Part::out).sum();
        matrix = owner.adopt(Tensor.empty(device, dtype, out, in));
        bias =
                parts.stream().anyMatch(Part::hasBias)
                        ? owner.adopt(Tensor.zeros(device, dtype, out))
                        : null;
    }

    public List<Part> parts() {
        return parts;
    }

    public int in() {
        return in;
    }

    public int out() {
        return out;
    }

    /// Columns that a pass needs behind the input.
    int extra(Adapter adapter) {
        return switch (adapter.kind()) {
            // Zeros there, to use the packed copy, and to give the bits of an adapter that is zero.
            case OFF -> packs ? extra : 0;
            case TRAINED -> extra;
            case FROZEN -> fitsColumns(frozen(adapter)) ? extra : 0;
        };
    }

    private boolean fitsColumns(List<LowRank> updates) {
        return columns(updates).equals(columns(trained));
    }

    private static List<List<Integer>> columns(List<LowRank> updates) {
        return updates.stream().map(u -> List.of(u.part(), u.rank())).toList();
    }

    /// The base weight of one part, a view `(out, in)`.
    public Tensor weight(int part) {
        requireMatrix();
        Part p = parts.get(part);
        return matrix.narrow(0, p.firstRow(), p.out()).narrow(1, 0, in);
    }

    /// The bias of one part, a view `(out)`, or null.
    public Tensor bias(int part) {
        Part p = parts.get(part);
        return p.hasBias() ? bias.narrow(0, p.firstRow(), p.out()) : null;
    }

    public List<LowRank> trained() {
        return trained;
    }

    /// Updates of a frozen adapter, none if it doesn't touch these layers.
    public List<LowRank> frozen(Adapter adapter) {
        return frozen.getOrDefault(adapter, List.of());
    }

    /// Makes room for the trained adapter. `updates` must be in order of their parts.
    public void attachTrained(List<LowRank> updates) {
        requireMatrix();
        int columns = updates.stream().mapToInt(LowRank::rank).sum();
        boolean sameColumns = fitsColumns(updates);
        trained.clear();
        trained.addAll(updates);
        unpackFrozen();
        if (columns != extra) {
            unpackDecoding(); // it has room for so many columns
            try (var _ = TensorScope.open("attach")) {
                Tensor wider =
                        owner.adopt(
                                Tensor.zeros(matrix.device(), matrix.dtype(), out, in + columns));
                wider.narrow(1, 0, in).copyInPlace(matrix.narrow(1, 0, in));
                matrix.close();
                matrix = wider;
            }
            if (packed != null) {
                unpack();
                pack();
            }
            if (reducers != null) {
                reducers.close();
            }
            reducers = columns == 0 ? null : new Reducers(owner, matrix, columns, in);
            extra = columns;
        } else if (!sameColumns) {
            matrix.narrow(1, in, columns).zeroInPlace(); // others' blocks stand elsewhere
        }
        refreshTrained();
    }

    /// Adds a frozen adapter, or replaces it.
    public void attachFrozen(Adapter adapter, List<LowRank> updates) {
        requireMatrix();
        frozen.put(adapter, List.copyOf(updates));
        unpackFrozen();
    }

    /// Copies the trained matrices to where products read them, after they changed.
    public void refreshTrained() {
        fillColumns(trained);
        if (decoding != null) {
            decoding.adapterChanged();
        }
        if (packed != null && extra > 0 && !packed.replaceColumns(matrix, in)) {
            unpack();
            pack(); // at once: it gets the memory that the old copy gave back
        }
    }

    /// Makes the copy that products read, if there is to be one and there is none yet. The first
    /// product would make it too, but in the midst of activations, which then stand scattered.
    void pack() {
        if (packs && packed == null && !trainsBase()) {
            packed = PackedMatrix.of(matrix, owner);
        }
    }

    /// Makes a copy for the backward pass too, of the base alone, which stays as it is.
    void packBackward() {
        if (packs && packedBack == null && !trainsBase()) {
            try (var _ = TensorScope.open("pack")) {
                packedBack = PackedMatrix.of(base().t(), owner);
            }
        }
    }

    boolean packsBackward() {
        return packedBack != null;
    }

    /// Whether there can be a copy that decoding reads.
    boolean canPackDecoding() {
        return !trainsBase() && extra % 2 == 0 && PanelMatrix.fits(out, in);
    }

    boolean packsDecoding() {
        return decoding != null;
    }

    /// Numbers that it takes.
    long decodingNumbers() {
        return PanelMatrix.numbers(out, in, extra);
    }

    /// Makes it in memory with room for so many.
    void packDecoding(Tensor memory) {
        unpackDecoding();
        try (var _ = TensorScope.open("pack")) {
            decoding = new DecodingWeights(base(), extra, memory, owner);
        }
    }

    /// What decoding reads, if that was copied and the adapter is one that it can have.
    Optional<TokenPass.Linear> decoding(Adapter adapter) {
        if (decoding == null) {
            return Optional.empty();
        }
        if (adapter.kind() == Adapter.Kind.OFF || extra == 0 && frozen(adapter).isEmpty()) {
            return Optional.of(decoding.plain(bias));
        }
        return adapter.kind() == Adapter.Kind.TRAINED
                ? Optional.of(decoding.adapted(bias, reducers, matrix))
                : Optional.empty();
    }

    private void unpackDecoding() {
        if (decoding != null) {
            decoding.close();
            decoding = null;
        }
    }

    /// Keeps nothing but what forward passes read, where the packed copy is enough for them:
    /// nothing can be attached, merged or trained any more.
    void keepForward() {
        requireMatrix();
        if (!PackedMatrix.isUseful(matrix.device(), matrix.dtype())
                || trainsBase()
                || !frozen.isEmpty()) {
            return;
        }
        packs = true;
        pack();
        decoding(Adapter.TRAINED); // makes what it will read of the adapter
        matrix.close();
        matrix = null;
    }

    private void requireMatrix() {
        if (matrix == null) {
            throw new IllegalStateException(
                    "of %s only what forward passes read is kept"
                            .formatted(parts.getFirst().path()));
        }
    }

    private void unpackFrozen() {
        packedFrozen.values().forEach(PackedMatrix::close);
        packedFrozen.clear();
    }

    private void unpack() {
        if (packed != null) {
            packed.close();
            packed = null;
        }
    }

    /// The matrix with the updates of a frozen adapter, which stay as they are.
    private PackedMatrix packed(Adapter adapter) {
        return packedFrozen.computeIfAbsent(adapter, _ -> PackedMatrix.of(matrix, owner));
    }

    /// `hx Wᵀ`, with all columns, plus a residual if there is one.
    private Tensor product(Tensor hx, Tensor residual) {
        if (!packs || trainsBase()) {
            return plus(hx.mm(matrix.t()), residual);
        }
        pack();
        return product(packed, hx, residual);
    }

    private static Tensor product(PackedMatrix packed, Tensor hx, Tensor residual) {
        return residual == null ? packed.multiply(hx) : packed.multiply(hx, residual);
    }

    private static Tensor plus(Tensor y, Tensor residual) {
        return residual == null ? y : y.addInPlace(residual);
    }

    private void fillColumns(List<LowRank> updates) {
        try (var _ = TensorScope.open("refresh")) {
            int column = in;
            for (LowRank update : updates) {
                Part p = parts.get(update.part());
                matrix.narrow(0, p.firstRow(), p.out())
                        .narrow(1, column, update.rank())
                        .copyInPlace(update.b());
                reducers.set(column - in, update);
                column += update.rank();
            }
        }
    }

    /// `y = x Wᵀ + b` with the adapter's update.
    ///
    /// @param hx `(N, in + extra)`; its first `in` columns hold `x`, the others are filled here
    /// @param dropout of the trained adapter's input
    /// @return `(N, out)`
    Tensor forward(Tensor hx, Adapter adapter, Dropout dropout) {
        return forward(hx, adapter, dropout, null);
    }

    /// As [#forward(Tensor, Adapter, Dropout)], plus a residual. Packed matrices add it in float32,
    /// before rounding.
    ///
    /// @param residual `(N, out)`, or null: none
    Tensor forward(Tensor hx, Adapter adapter, Dropout dropout, Tensor residual) {
        Tensor y =
                switch (adapter.kind()) {
                    case OFF -> withoutUpdate(hx, residual);
                    case TRAINED -> {
                        fillInput(hx, trained, dropout);
                        yield product(hx, residual);
                    }
                    case FROZEN -> withFrozen(hx, adapter, residual);
                };
        return bias == null ? y : y.addInPlace(bias);
    }

    /// Fills the extra columns as [#forward] does, without the product.
    ///
    /// @param hx as there
    void reduce(Tensor hx, Adapter adapter, Dropout dropout) {
        switch (adapter.kind()) {
            case OFF -> {
                if (extra(adapter) > 0) {
                    hx.narrow(1, in, extra).zeroInPlace();
                }
            }
            case TRAINED -> fillInput(hx, trained, dropout);
            case FROZEN -> throw new IllegalStateException("a frozen adapter has no backward pass");
        }
    }

    private Tensor withoutUpdate(Tensor hx, Tensor residual) {
        if (extra > 0 && !packs) {
            return plus(hx.mm(base().t()), residual);
        }
        reduce(hx, Adapter.OFF, Dropout.NONE);
        return product(hx, residual);
    }

    /// Writes what the updates read into the input's extra columns.
    private void fillInput(Tensor hx, List<LowRank> updates, Dropout dropout) {
        if (extra == 0) {
            return;
        }
        if (!dropout.isOn()) { // all of them at once
            reducers.reduce(hx);
            return;
        }
        Tensor x = hx.narrow(1, 0, in);
        int column = in;
        for (LowRank update : updates) {
            Tensor u = hx.narrow(1, column, update.rank()); // (N, r)
            update.reduce(x, dropout.mask(path(update)), u);
            column += update.rank();
        }
    }

    private Tensor withFrozen(Tensor hx, Adapter adapter, Tensor residual) {
        List<LowRank> updates = frozen(adapter);
        if (extra(adapter) > 0) {
            try {
                fillColumns(updates);
                fillInput(hx, updates, Dropout.NONE);
                return packs
                        ? product(packed(adapter), hx, residual)
                        : plus(hx.mm(matrix.t()), residual);
            } finally {
                fillColumns(trained);
            }
        }
        Tensor x = hx.size(1) == in ? hx : hx.narrow(1, 0, in);
        Tensor y = x.mm(base().t());
        for (LowRank update : updates) {
            Part p = parts.get(update.part());
            Kernels.addmm(
                    y.narrow(1, p.firstRow(), p.out()),
                    x.mm(update.scaledA().t()),
                    update.b().t(),
                    1,
                    1);
        }
        return plus(y, residual);
    }

    /// The gradient of `x`, `(N, in)`; adds to the gradients of parameters.
    ///
    /// @param dy `(N, out)`
    /// @param hx what [#forward] was given and filled
    /// @param dropout what [#forward] was given
    Tensor backward(Tensor dy, Tensor hx, Dropout dropout) {
        Tensor x = extra == 0 ? hx : hx.narrow(1, 0, in);
        for (int i = 0; i < weightGradients.length; i++) {
            Part p = parts.get(i);
            Tensor d = dy.narrow(1, p.firstRow(), p.out());
            Gradients.addProduct(weightGradients[i], d.t(), x, 1);
            if (p.hasBias()) {
                Gradients.addRows(biasGradients[i], d);
            }
        }
        requireMatrix();
        // The plain matrix gives the adapter's columns along; the packed one has none.
        Tensor dhx = packedBack == null ? dy.mm(matrix) : packedBack.multiply(dy);
        if (extra == 0) {
            return dhx;
        }
        Tensor dx; // (N, in)
        Tensor dus; // (N, extra), gradient of what the updates read
        if (packedBack == null) {
            dx = dhx.narrow(1, 0, in);
            dus = dhx.narrow(1, in, extra).contiguous();
            dhx.close(); // the views keep the memory
        } else {
            dx = dhx;
            dus = dy.mm(matrix.narrow(1, in, extra).contiguous());
        }
        if (!dropout.isOn()) {
            reduceBackward(dus, x, dx);
        }
        int column = in;
        for (LowRank update : trained) {
            Part p = parts.get(update.part());
            if (dropout.isOn()) {
                Tensor du = // (N, r)
                        dus.narrow(1, column - (long) in, update.rank()).contiguous();
                update.reduceBackward(du, x, dropout.mask(path(update)), dx);
            }
            Tensor u = hx.narrow(1, column, update.rank()); // (N, r)
            update.learnB(dy.narrow(1, p.firstRow(), p.out()), u);
            column += update.rank();
        }
        return dx;
    }

    /// [LowRank#reduceBackward] of all updates at once: products of few columns are slow.
    ///
    /// @param du `(N, extra)`
    private void reduceBackward(Tensor du, Tensor x, Tensor dx) {
        Kernels.addmm(dx, du, reducers.matrix(), 1, 1);
        Tensor product = du.t().mm(x); // (extra, in)
        int row = 0;
        for (LowRank update : trained) {
            update.learnA(product.narrow(0, row, update.rank()));
            row += update.rank();
        }
    }

    private String path(LowRank update) {
        return parts.get(update.part()).path();
    }

    /// Makes backward passes add to the gradients of the base parameters (float32 views).
    ///
    /// @param weights one per part
    /// @param biases one per part, null where a part has none
    public void trainBase(Tensor[] weights, Tensor[] biases) {
        requireMatrix();
        unpack();
        if (packedBack != null) {
            packedBack.close();
            packedBack = null;
        }
        unpackDecoding();
        weightGradients = weights.clone();
        biasGradients = biases.clone();
    }

    boolean trainsBase() {
        return weightGradients.length > 0;
    }

    Tensor weightGradient(int part) {
        return weightGradients[part];
    }

    Tensor biasGradient(int part) {
        return biasGradients[part];
    }

    private Tensor base() {
        return extra == 0 ? matrix : matrix.narrow(1, 0, in);
    }
}
