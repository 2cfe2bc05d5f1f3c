package org.attune.cli.serve;

import org.attune.serve.ApiException;
import org.attune.serve.Fields;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A tensor of a request: in JSON `TensorData`, in bytes `Tensor` of tinker_public.proto.
///
/// @param name in the request
/// @param values row by row
/// @param shape one or two sizes
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record TinkerTensor(String name, double[] values, List<Long> shape) {
    private static final int MOST = 1 << 24;
    private static final int FLOAT32 = 1;
    private static final int INT64 = 2;

    /// @throws ApiException if it is no tensor
    static TinkerTensor of(String name, Fields body) {
        double[] data = numbers(body, "data");
        List<Long> shape = new ArrayList<>();
        for (double size : numbers(body, "shape")) {
            shape.add((long) size);
        }
        if (body.has("sparse_crow_indices") || body.has("sparse_col_indices")) {
            return sparse(
                    name,
                    data,
                    numbers(body, "sparse_crow_indices"),
                    numbers(body, "sparse_col_indices"),
                    shape);
        }
        return new TinkerTensor(name, data, shape.isEmpty() ? List.of((long) data.length) : shape)
                .whole();
    }

    private static double[] numbers(Fields body, String key) {
        List<?> given = body.list(key, MOST);
        double[] values = new double[given.size()];
        for (int i = 0; i < values.length; i++) {
            if (!(given.get(i) instanceof Number number)) {
                throw body.bad(key, "holds %s; accepted: numbers".formatted(given.get(i)));
            }
            values[i] = number.doubleValue();
        }
        return values;
    }

    /// @throws ApiException if it is no tensor
    static TinkerTensor of(String name, Protobuf message) {
        long type = message.value(3);
        if (type != FLOAT32 && type != INT64) {
            throw wrong(name, "is of type %d; accepted: float32 and int64".formatted(type));
        }
        List<Long> shape = new ArrayList<>();
        for (Protobuf.Field field : message.all(4)) {
            if (field.bytes().hasRemaining()) { // sizes packed one behind the other
                shape.addAll(field.varints());
            } else {
                shape.add(field.value());
            }
        }
        Optional<Protobuf.Field> sparse = message.last(2);
        if (sparse.isPresent()) {
            Protobuf parts = sparse.get().message();
            return sparse(
                    name,
                    numbers(name, parts, 1, type),
                    numbers(name, parts, 2, INT64),
                    numbers(name, parts, 3, INT64),
                    shape);
        }
        double[] data = numbers(name, message, 1, type);
        return new TinkerTensor(name, data, shape.isEmpty() ? List.of((long) data.length) : shape)
                .whole();
    }

    private static double[] numbers(String name, Protobuf message, int field, long type) {
        Optional<Protobuf.Field> found = message.last(field);
        if (found.isEmpty()) {
            return new double[0];
        }
        ByteBuffer in = found.get().numbers();
        int size = type == FLOAT32 ? Float.BYTES : Long.BYTES;
        if (in.remaining() % size != 0 || in.remaining() / size > MOST) {
            throw wrong(name, "has %d bytes".formatted(in.remaining()));
        }
        double[] values = new double[in.remaining() / size];
        for (int i = 0; i < values.length; i++) {
            values[i] = type == FLOAT32 ? in.getFloat() : in.getLong();
        }
        return values;
    }

    /// Compressed rows, whose other numbers are 0.
    private static TinkerTensor sparse(
            String name, double[] data, double[] rows, double[] columns, List<Long> shape) {
        var dense =
                new TinkerTensor(
                        name,
                        new double[shape.size() == 2 ? (int) Math.min(MOST, size(shape)) : 0],
                        shape);
        if (shape.size() != 2
                || dense.whole().values.length == 0
                || rows.length != shape.getFirst() + 1
                || columns.length != data.length) {
            throw wrong(name, "has no rows, columns and shape that fit its numbers");
        }
        for (int row = 0; row + 1 < rows.length; row++) {
            for (int i = (int) rows[row]; i < rows[row + 1]; i++) {
                if (i < 0 || i >= data.length || columns[i] < 0 || columns[i] >= shape.get(1)) {
                    throw wrong(name, "has rows or columns outside its shape");
                }
                dense.values[(int) (row * shape.get(1) + columns[i])] = data[i];
            }
        }
        return dense;
    }

    private static long size(List<Long> shape) {
        long size = 1;
        for (long side : shape) {
            if (side < 0 || side > MOST) {
                return -1;
            }
            size = Math.min(MOST + 1L, size * side);
        }
        return size;
    }

    private TinkerTensor whole() {
        if (shape.size() > 2 || size(shape) != values.length) {
            throw wrong(
                    name,
                    "has the shape %s and %d numbers; accepted: one or two sizes whose product is that number"
                            .formatted(shape, values.length));
        }
        return this;
    }

    private static ApiException wrong(String name, String what) {
        return ApiException.bad(name, "\"%s\" %s".formatted(name, what));
    }

    /// Whole numbers.
    ///
    /// @throws ApiException if some aren't
    int[] ids() {
        int[] ids = new int[values.length];
        for (int i = 0; i < ids.length; i++) {
            if (values[i] != (int) values[i]) {
                throw wrong(name, "holds %s; accepted: token ids".formatted(values[i]));
            }
            ids[i] = (int) values[i];
        }
        return ids;
    }
}
