package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.DropoutPart;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The weights of layers that read the same input, `W` of shape `(out, in)`, and an adapter's
/// columns behind them, `B` of shape `(out, R)`. Products read both where they stand side by side,
/// or copies in the layout that products like best. Where forward and backward passes read copies,
/// `W` itself is given back; it is made again from a copy when somebody asks for it.
final class LinearWeights {
    private final TensorScope owner;
    private final Device device;
    private final DType dtype;
    private final int out;
    private final int in;
    private boolean packs; // whether products read copies
    private boolean forwardOnly;
    private Tensor base; // W; null: given back
    private Tensor columns; // B; null: R = 0
    private Tensor joined; // [W | B]; null: R = 0, or products read copies
    private PackedMatrix packed; // [W | B], or null
    private PackedMatrix packedBack; // Wᵀ, or null
    private PackedMatrix packedColumns; // Bᵀ; null before it is needed
    private boolean packedColumnsAreOld;
    private final Map<Adapter, PackedMatrix> packedFrozen = new HashMap<>(); // other columns

    /// @param packs whether to keep a copy in the layout that products like best
    LinearWeights(TensorScope owner, int out, int in, Device device, DType dtype, boolean packs) {
        this.owner = owner;
        this.out = out;
        this.in = in;
        this.device = device;
        this.dtype = dtype;
        this.packs = packs;
        base = owner.adopt(Tensor.empty(device, dtype, out, in));
    }

    /// Whether products read copies.
    boolean packs() {
        return packs;
    }

    boolean packsBackward() {
        return packedBack != null;
    }

    /// Whether there is nothing but what forward passes read.
    boolean isForwardOnly() {
        return forwardOnly;
    }

    /// `R`.
    int extra() {
        return columns == null ? 0 : Math.toIntExact(columns.size(1));
    }

    /// `W`, the numbers themselves. If they were given back they are restored and stay, since an
    /// adapter that changed its form once will do so again.
    Tensor base() {
        if (base == null) {
            try (var _ = TensorScope.open("unpack")) {
                base = owner.adopt(unpacked());
            }
        }
        return base;
    }

    /// Products with the unit matrix are the numbers: of each sum one summand isn't zero. Taken
    /// from the copy for which that matrix is the smaller one.
    private Tensor unpacked() {
        return out <= in
                ? packedBack.multiply(unit(out))
                : packed.multiply(unit(in)).t().contiguous();
    }

    private Tensor unit(int size) {
        int[] diagonal = new int[size];
        Arrays.setAll(diagonal, i -> i);
        return Tensor.zeros(device, dtype, size, size)
                .scatterAddInPlace(
                        1,
                        Tensor.ofInts(device, diagonal, size, 1),
                        Tensor.full(device, dtype, 1, size, 1));
    }

    /// `B`, to be changed; call [#columnsChanged] then.
    ///
    /// @return null where `R = 0`
    Tensor columns() {
        return columns;
    }

    /// Makes room for other columns, and zeros them.
    void resize(int count) {
        if (count == extra()) {
            if (columns != null) {
                columns.zeroInPlace();
            }
            return;
        }
        base(); // from copies with the old columns, if need be
        try (var _ = TensorScope.open("attach")) {
            if (packs) {
                closeColumns();
                columns = count == 0 ? null : owner.adopt(Tensor.zeros(device, dtype, out, count));
            } else {
                widen(count);
            }
        }
        if (packed != null) {
            repack();
        }
    }

    private void widen(int count) {
        Tensor wider = owner.adopt(Tensor.zeros(device, dtype, out, (long) in + count));
        wider.narrow(1, 0, in).copyInPlace(base);
        closePlain();
        closeColumns();
        if (count == 0) {
            base = wider;
        } else {
            joined = wider;
            base = owner.adopt(wider.narrow(1, 0, in));
            columns = owner.adopt(wider.narrow(1, in, count));
        }
    }

    /// Copies the columns to where products read them.
    void columnsChanged() {
        packedColumnsAreOld = true;
        if (packed != null && columns != null) {
            packed.fillMore(columns);
        }
    }

    private void repack() {
        base(); // from the old copy, if need be
        packed.close();
        packed = packedBoth();
    }

    private PackedMatrix packedBoth() {
        return withColumns(PackedMatrix.of(base(), extra(), owner));
    }

    private PackedMatrix withColumns(PackedMatrix copy) {
        if (columns != null) {
            copy.fillMore(columns);
        }
        return copy;
    }

    /// Makes the copy that forward passes read, if there is to be one and there is none yet. The
    /// first product would make it too, but in the midst of activations, which then stand
    /// scattered.
    void pack() {
        if (packs && packed == null) {
            packed = packedBoth();
        }
    }

    /// Numbers of that copy.
    long packedNumbers() {
        return PackedMatrix.numbers(out, in, extra());
    }

    /// Makes products read a copy from now on, which stands where it is told to.
    ///
    /// @param memory of [#packedNumbers]; is the copy's
    void packInto(Tensor memory) {
        packs = true;
        packed =
                packed == null
                        ? withColumns(PackedMatrix.of(base(), extra(), memory))
                        : packed.movedTo(memory);
        if (joined != null) {
            try (var _ = TensorScope.open("pack")) {
                Tensor plain = owner.adopt(base.contiguous());
                closePlainButColumns();
                base = plain;
            }
        }
    }

    /// Closes the numbers themselves; the columns, if they stand beside them, stay.
    private void closePlainButColumns() {
        if (joined != null) {
            try (var _ = TensorScope.open("pack")) {
                Tensor own = owner.adopt(columns.contiguous());
                closeColumns();
                columns = own;
            }
        }
        closePlain();
    }

    /// The copy that forward passes read.
    PackedMatrix packed() {
        return packed;
    }

    /// Makes a copy for backward passes too, of `W` alone, which stays as it is, and gives `W`
    /// back.
    void packBackward() {
        if (packs && packedBack == null) {
            pack();
            try (var _ = TensorScope.open("pack")) {
                packedBack = PackedMatrix.of(base().t(), owner);
            }
            closePlain();
        }
    }

    /// Makes products read the numbers themselves from now on: they will be trained.
    void keepPlain() {
        base();
        packs = false;
        unpackFrozen();
        if (packed != null) {
            packed.close();
            packed = null;
        }
        if (packedBack != null) {
            packedBack.close();
            packedBack = null;
        }
    }

    /// Keeps nothing but what forward passes read, where there can be a copy.
    void keepForward() {
        if (!PackedMatrix.isUseful(device, dtype)) {
            return;
        }
        packs = true;
        pack();
        closePlainButColumns();
        forwardOnly = true;
    }

    private void closePlain() {
        if (base != null) {
            base.close();
            base = null;
        }
        if (joined != null) {
            joined.close();
            joined = null;
        }
    }

    private void closeColumns() {
        if (packedColumns != null) {
            packedColumns.close();
            packedColumns = null;
        }
        if (columns != null) {
            columns.close();
            columns = null;
        }
    }

    /// Forgets copies with the columns of frozen adapters.
    void unpackFrozen() {
        packedFrozen.values().forEach(PackedMatrix::close);
        packedFrozen.clear();
    }

    /// `hx [W | B]ᵀ`, plus a residual, which copies add in float32 before rounding.
    ///
    /// @param hx `(N, in + R)`
    /// @param residual `(N, out)` or null
    /// @return `(N, out)`
    Tensor product(Tensor hx, Tensor residual) {
        if (!packs) {
            return plus(hx.mm((joined == null ? base : joined).t()), residual);
        }
        pack();
        return product(packed, hx, residual);
    }

    /// The same while the columns are those of a frozen adapter, which stay as they are.
    Tensor product(Adapter frozen, Tensor hx, Tensor residual) {
        if (!packs) {
            return product(hx, residual);
        }
        return product(packedFrozen.computeIfAbsent(frozen, _ -> packedOnce()), hx, residual);
    }

    /// Doesn't keep `W` if it was given back: nothing changes such a copy.
    private PackedMatrix packedOnce() {
        boolean wasGivenBack = base == null;
        PackedMatrix copy = packedBoth();
        if (wasGivenBack) {
            closePlain();
        }
        return copy;
    }

    /// @param residual or null: none
    static Tensor plus(Tensor y, Tensor residual) {
        return residual == null ? y : y.addInPlace(residual);
    }

    private static Tensor product(PackedMatrix copy, Tensor hx, Tensor residual) {
        return residual == null ? copy.multiply(hx) : copy.multiply(hx, residual);
    }

    /// What a backward pass gives.
    ///
    /// @param dx gradient of the input, `(N, in)`
    /// @param dus gradient of what the adapter's columns are multiplied by, `(N, R)`; null where
    ///     `R = 0`
    record Gradient(Tensor dx, Tensor dus) {}

    /// @param dy gradient of the output, `(N, out)`
    Gradient backward(Tensor dy) {
        if (joined != null) { // both in one product
            Tensor dhx = dy.mm(joined);
            Tensor dx = dhx.narrow(1, 0, in);
            Tensor dus = dhx.narrow(1, in, columns.size(1)).contiguous();
            dhx.close(); // the views keep the memory
            return new Gradient(dx, dus);
        }
        Tensor dx = packedBack == null ? dy.mm(base()) : packedBack.multiply(dy);
        return new Gradient(dx, columns == null ? null : reduced(dy));
    }

    /// The same with the adapter's part of `dx`, added in float32; where there is a copy for
    /// backward passes, and an adapter.
    ///
    /// @param reducers the adapter's first matrices, transposed, `(in, R)`
    /// @param parts columns of these whose input had dropout; none: it had none
    /// @param scale of what dropout left
    Gradient backward(Tensor dy, PackedMatrix reducers, List<DropoutPart> parts, double scale) {
        Tensor dus = reduced(dy);
        return new Gradient(packedBack.multiply(dy, dus, reducers, parts, scale), dus);
    }

    private Tensor reduced(Tensor dy) {
        if (packedBack == null) {
            return dy.mm(columns);
        }
        if (packedColumns == null) {
            packedColumns = PackedMatrix.of(columns.t(), owner);
        } else if (packedColumnsAreOld) {
            packedColumns.replace(columns.t());
        }
        packedColumnsAreOld = false;
        return packedColumns.multiply(dy);
    }
}
