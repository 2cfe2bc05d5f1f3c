package org.attune.tensor.gpu;

/// A stream of libtorch's that stays the same until another is used.
final class StubStream implements LibtorchStream {
    private long current;

    StubStream(long current) {
        this.current = current;
    }

    @Override
    public long current() {
        return current;
    }

    @Override
    public void requireUse() {}

    @Override
    public Use use(long stream) {
        long before = current;
        current = stream;
        return () -> current = before;
    }
}
