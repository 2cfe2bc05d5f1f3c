/// Says what a step would take on many devices, by formulas and by draws from measured steps.
package org.attune.bench.scale;
