package org.attune.tensor;

import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/// The kinds of devices that there are. A jar brings one by
/// `META-INF/services/org.attune.tensor.DeviceKind`: `attune-cuda` that of CUDA's GPUs.
final class DeviceKinds {
    static final DeviceKind PROCESSOR = new Cpu();

    private static final Map<String, DeviceKind> ALL = all();

    private DeviceKinds() {}

    private static final class Cpu implements DeviceKind {
        @Override
        public String name() {
            return "cpu";
        }

        @Override
        public int count() {
            return 1;
        }
    }

    private static Map<String, DeviceKind> all() {
        var all = new TreeMap<String, DeviceKind>();
        all.put(PROCESSOR.name(), PROCESSOR);
        ServiceLoader.load(DeviceKind.class, DeviceKind.class.getClassLoader())
                .forEach(kind -> all.put(kind.name(), kind));
        return all;
    }

    /// The kind of a name; null if there is none.
    static DeviceKind of(String name) {
        return ALL.get(name);
    }
}
