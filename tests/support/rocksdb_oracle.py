"""RocksDB itself, as the second opinion of the reader of its files.

dump FOLDER          prints each key: column family, key and value, the latter two in hexadecimal
make FOLDER SEED     makes a database of random content: formats 5 and 6, all compressions, tables and a log
"""

import random
import sys

from rocksdict import AccessType, BlockBasedOptions, DBCompressionType, Options, Rdict, WriteBatch, WriteOptions

FAMILIES = ["metadata", "data"]


def dump(folder):
    options = Options(raw_mode=True)
    families = {name: Options(raw_mode=True) for name in Rdict.list_cf(folder, options)}
    database = Rdict(folder, options, column_families=families, access_type=AccessType.read_only())
    for name in sorted(families):
        for key, value in database.get_column_family(name).items():
            print(name, key.hex() or "-", value.hex() or "-")


def make(folder, seed):
    dice = random.Random(seed)
    kinds = [DBCompressionType.none(), DBCompressionType.lz4(), DBCompressionType.zstd()]

    def options():
        made = Options(raw_mode=True)
        made.create_if_missing(True)
        made.create_missing_column_families(True)
        made.set_compression_type(dice.choice(kinds))
        made.set_disable_auto_compactions(dice.random() < 0.5)
        made.set_write_buffer_size(dice.choice([1 << 16, 1 << 20]))
        table = BlockBasedOptions()
        table.set_format_version(dice.choice([5, 6]))
        table.set_block_size(dice.choice([512, 4096, 65536]))
        table.set_block_restart_interval(dice.choice([1, 3, 16]))
        table.set_index_block_restart_interval(dice.choice([1, 4]))
        if dice.random() < 0.5:
            table.set_bloom_filter(10, False)
        made.set_block_based_table_factory(table)
        return made

    database = Rdict(folder, options(), column_families={name: options() for name in FAMILIES})
    families = [database.get_column_family(name) for name in FAMILIES]
    handles = [database.get_column_family_handle(name) for name in FAMILIES]
    # Without it, what a step writes is not in the log when the program ends.
    synced = WriteOptions()
    synced.sync = True
    for step in range(dice.randrange(5, 60)):
        batch = WriteBatch(raw_mode=True)
        for _ in range(dice.randrange(1, 40)):
            number = dice.randrange(2)
            key = b"l%04d" % dice.randrange(200)
            if dice.random() < 0.3:
                batch.delete(key, handles[number])
            else:
                size = dice.choice([0, 10, 300, 5000, 40000])
                content = dice.choice([dice.randbytes(size), b"text " * (size // 5)])
                batch.put(key, content, handles[number])
        database.write(batch, synced)
        if dice.random() < 0.2:
            dice.choice(families).flush()
        if dice.random() < 0.05:
            dice.choice(families).compact_range(None, None)
    sys.stdout.flush()
    # The end of a server that is killed: what is in the log stays there.
    import os
    import signal
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "dump":
        dump(sys.argv[2])
    else:
        make(sys.argv[2], int(sys.argv[3]))
