/// Fits a run into memory: what it needs, what there is, and what is chosen. Read [MemoryFit].
package org.attune.trainers.memory;
