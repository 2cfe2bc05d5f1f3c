package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.TensorScope;

/// What all blocks of one pass share. Owns position tables and masks; close it with the pass.
final class Pass implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("pass");
    private final DecoderConfig config;
    private final Layout layout;
    private final Adapter adapter;
    private final Dropout dropout;
    private final Rope rope;
    private final Attention attention;

    Pass(
            DecoderConfig config,
            Layout layout,
            Adapter adapter,
            Dropout dropout,
            Device device,
            DType dtype) {
        this.config = config;
        this.layout = layout;
        this.adapter = adapter;
        this.dropout = dropout;
        try (var _ = scope.enter()) {
            rope = new Rope(config, layout, device, dtype);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
        attention = new Attention(layout, device, dtype, scope);
    }

    DecoderConfig config() {
        return config;
    }

    int size() {
        return layout.size();
    }

    Adapter adapter() {
        return adapter;
    }

    Dropout dropout() {
        return dropout;
    }

    Rope rope() {
        return rope;
    }

    Attention attention() {
        return attention;
    }

    @Override
    public void close() {
        scope.close();
    }
}
