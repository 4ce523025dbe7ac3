-- What a process's part of a run cost besides time: where it was measured, else NULL.
ALTER TABLE session ADD COLUMN energy REAL CHECK (energy >= 0);         -- joules, processor and memory
ALTER TABLE session ADD COLUMN gpu_energy REAL CHECK (gpu_energy >= 0); -- joules, told by an engine
ALTER TABLE session ADD COLUMN gpu_memory INTEGER CHECK (gpu_memory >= 0); -- peak bytes, told by an engine
-- Of its sessions that have one of them: number, energy, gpu_energy, gpu_memory.
ALTER TABLE run_checksum ADD COLUMN costs INTEGER;
