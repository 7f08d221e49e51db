"""Captured machines with accelerators, for tools/make-machines: AMD, Intel, modules that share all memory, neural processors.

None was recorded file by file: each is by document, from the kernel's documentation and what people showed of such machines;
tests/machines/README.md names the sources. Their processors are cut down to two cores, which nothing here looks at.
"""
GIB, MIB = 1 << 30, 1 << 20
DEVICES = 'sys/bus/pci/devices'
AMD_GPU, AMD_CPU, INTEL, NVIDIA = '0x1002', '0x1022', '0x8086', '0x10de'


def base(make, name, model, total_kib, kernel, x86=True, **more):
    """Two cores of that model and so much memory, half of it free; more: files under /sys/class/dmi/id."""
    cores, packages = make.alone(0, 2), [[0, 1]]
    if x86:
        vendor = 'GenuineIntel' if 'Intel' in model else 'AuthenticAMD'
        files = make.cpuinfo_x86(cores, packages, vendor, model, make.X86_FLAGS)
    else:
        implementer, part = model
        files = {'proc/cpuinfo': '\n'.join(f'processor\t: {cpu}\nFeatures\t: fp asimd asimddp\nCPU implementer\t: {implementer}\n'
                                           f'CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {part}\nCPU revision\t: 1\n' for cpu in range(2))}
    files |= make.topology(cores, packages)
    files |= make.nodes(([0, 1], total_kib))
    files |= make.meminfo(MemTotal=total_kib, MemFree=total_kib // 2, MemAvailable=total_kib // 4 * 3, Buffers=100000, Cached=4000000,
                          SwapTotal=0, SwapFree=0, HugePages_Total=0, Hugepagesize=2048)
    files |= make.process('0::/user.slice', '26 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n' + make.CGROUP2_MOUNT, range(2))
    files |= {f'sys/class/dmi/id/{file}': text for file, text in more.items()}
    return files | make.system(name, kernel, make.DEBIAN, ('%032x' % sum(name.encode()))[-32:])


def link(speed, lanes, most=None):
    return {'current_link_speed': f'{speed} GT/s PCIe', 'current_link_width': str(lanes), 'max_link_speed': f'{most or speed} GT/s PCIe',
            'max_link_width': str(lanes)}


def device(make, where, class_code, vendor, number, driver=None, revision='0x00', **files):
    """A PCI device at the end of a way of bridges ('0000:00:01.1/0000:03:00.0'): a link on the bus, its files in the tree."""
    address = where.split('/')[-1]
    folder = f'sys/devices/pci{where[:7]}/{where}'
    own = {'class': class_code, 'vendor': vendor, 'device': number, 'revision': revision} | {k.replace('__', '/'): v for k, v in files.items()}
    out = {f'{folder}/{file}': text for file, text in own.items()} | {f'{DEVICES}/{address}': make.Link(f'../../../devices/pci{where[:7]}/{where}')}
    if driver:
        out[f'{folder}/driver'] = make.Link('../' * (3 + where.count('/')) + f'bus/pci/drivers/{driver}')
    return out


def amdgpu(vram, used, gtt, gtt_used, visible=None):
    return {'mem_info_vram_total': str(vram), 'mem_info_vram_used': str(used), 'mem_info_vis_vram_total': str(vram if visible is None else visible),
            'mem_info_gtt_total': str(gtt), 'mem_info_gtt_used': str(gtt_used)}


def kfd(*nodes):
    """nodes: (gfx_target_version, simd_count, location_id, gpu_id); node 0 is the processor."""
    where = 'sys/class/kfd/kfd/topology/nodes'
    files = {f'{where}/0/gpu_id': '0', f'{where}/0/properties': 'cpu_cores_count 2\nsimd_count 0\ngfx_target_version 0\nvendor_id 0\n'
                                                               'device_id 0\nlocation_id 0\ndomain 0\nlocal_mem_size 0'}
    for i, (version, simds, location, gpu) in enumerate(nodes, 1):
        files |= {f'{where}/{i}/gpu_id': str(gpu),
                  f'{where}/{i}/properties': f'cpu_cores_count 0\nsimd_count {simds}\nsimd_per_cu 2\ngfx_target_version {version}\nvendor_id 4098\n'
                                             f'location_id {location}\ndomain 0\ndrm_render_minor {127 + i}\nlocal_mem_size 0\nnum_xcc 1'}
    return files


def strix_halo(make, name, total_kib, pages, memory, model='AMD RYZEN AI MAX+ 395 w/ Radeon 8060S'):
    """A processor with a large GPU; the neural processor has a class of its own (signal processing)."""
    root = '0000:00:08.1'
    files = base(make, name, model, total_kib, '6.17.0-14-generic', chassis_type='3')
    files |= device(make, f'{root}/0000:c5:00.0', '0x038000', AMD_GPU, '0x1586', 'amdgpu', '0xc1', **memory, **link('16.0', 16))
    files |= device(make, f'{root}/0000:c5:00.1', '0x040300', AMD_GPU, '0x1640', 'snd_hda_intel')
    files |= device(make, f'{root}/0000:c5:00.2', '0x108000', AMD_CPU, '0x17e0', 'ccp')
    files |= device(make, '0000:00:08.2/0000:c6:00.1', '0x118000', AMD_CPU, '0x17f0', 'amdxdna')
    files['sys/class/accel/accel0'] = make.Link('../../devices/pci0000:00/0000:00:08.2/0000:c6:00.1/accel/accel0')
    files['sys/devices/pci0000:00/0000:00:08.2/0000:c6:00.1/accel/accel0/device'] = make.Link('../../../0000:c6:00.1')
    files['sys/module/ttm/parameters/pages_limit'] = str(pages)
    return files | kfd((110501, 80, 0xc500, 21517))


def strix_halo_96(make):
    """128 GB, of which firmware set 96 GiB aside: the host's total is what is left, 30.5 GiB."""
    gtt = 16363954176
    memory = amdgpu(96 * GIB, 21563965440, gtt, 67108864)
    files = strix_halo(make, 'halo-96', 2 * gtt // 1024, gtt // 4096, memory)
    return files | {'usr/share/libdrm/amdgpu.ids': '# device, revision, name\n1.0.0\n1586,\tC1,\tAMD Radeon 8060S Graphics\n'
                                                   '1586,\tC2,\tAMD Radeon 8050S Graphics'}


def strix_halo_gtt(make):
    """The same processor with firmware's least, 512 MiB, and a limit of 110 GiB on what the driver may map."""
    return strix_halo(make, 'halo-gtt', 131752268, 110 * GIB // 4096, amdgpu(512 * MIB, 190 * MIB, 110 * GIB, 41 * GIB))


def radeon_with_igpu(make):
    """A card of 24 GiB behind its own switch, idle and so at the lowest speed, beside the GPU of a desktop processor."""
    files = base(make, 'desk', 'AMD Ryzen 9 7950X 16-Core Processor', 65051720, '6.8.0-60-generic', chassis_type='3')
    gtt = 33306480640
    card = '0000:00:01.1/0000:01:00.0/0000:02:00.0/0000:03:00.0'
    files |= device(make, '0000:00:01.1', '0x060400', AMD_CPU, '0x14db', 'pcieport', **link('2.5', 16, '32.0'))
    files |= device(make, '0000:00:01.1/0000:01:00.0', '0x060400', AMD_GPU, '0x1478', 'pcieport', **link('2.5', 16, '16.0'))
    files |= device(make, '0000:00:01.1/0000:01:00.0/0000:02:00.0', '0x060400', AMD_GPU, '0x1479', 'pcieport', **link('16.0', 16))
    files |= device(make, card, '0x030000', AMD_GPU, '0x744c', 'amdgpu', '0xc8', unique_id='b85e402c0fb3757f', hwmon__hwmon3__name='amdgpu',
                    hwmon__hwmon3__power1_cap='327000000', **amdgpu(24560 * MIB, 1924 * MIB, gtt, 120 * MIB), **link('16.0', 16))
    files |= device(make, card[:-1] + '1', '0x040300', AMD_GPU, '0xab30', 'snd_hda_intel')
    files |= device(make, '0000:00:08.1/0000:13:00.0', '0x030000', AMD_GPU, '0x164e', 'amdgpu', '0xcb', hwmon__hwmon4__name='amdgpu',
                    **amdgpu(512 * MIB, 28 * MIB, gtt, 21 * MIB), **link('16.0', 16))
    files |= device(make, '0000:00:08.1/0000:13:00.2', '0x108000', AMD_CPU, '0x1649', 'ccp')
    files |= kfd((110000, 192, 0x300, 45654), (100306, 4, 0x1300, 2117))
    files |= {'sys/class/kfd/kfd/proc/4242/vram_45654': '1073741824', 'sys/class/kfd/kfd/proc/4242/vram_2117': '0',
              'sys/class/kfd/kfd/proc/4711/vram_45654': '4096', 'sys/class/kfd/kfd/proc/4711/vram_2117': '0'}
    return files | {'opt/rocm/.info/version': '6.4.1-83', 'sys/module/amdgpu/version': '6.12.12', 'sys/module/ttm/parameters/pages_limit': str(gtt // 4096),
                    'usr/share/libdrm/amdgpu.ids': '744C,\tC8,\tAMD Radeon RX 7900 XTX\n744C,\tCC,\tAMD Radeon RX 7900 XT\n'
                                                   '164E,\tCB,\tAMD Radeon Graphics'}


def two_radeons(make):
    """Cards of 16 and 12 GiB, the second in a slot of four lanes; KFD not loaded; the list names only the second one's revision."""
    files = base(make, 'two-radeons', 'AMD Ryzen 7 5800X 8-Core Processor', 32793216, '6.1.0-28-amd64', chassis_type='3')
    gtt = 16790126592
    files |= device(make, '0000:00:03.1', '0x060400', AMD_CPU, '0x1483', 'pcieport', **link('16.0', 16))
    files |= device(make, '0000:00:03.1/0000:0b:00.0', '0x030000', AMD_GPU, '0x747e', 'amdgpu', '0xc8', hwmon__hwmon2__power1_cap='212000000',
                    **amdgpu(16368 * MIB, 16000 * MIB, gtt, 0, 256 * MIB), **link('16.0', 16))
    files |= device(make, '0000:00:01.3', '0x060400', AMD_CPU, '0x1483', 'pcieport', **link('8.0', 4))
    files |= device(make, '0000:00:01.3/0000:06:00.0', '0x030000', AMD_GPU, '0x73df', 'amdgpu', '0xc1', hwmon__hwmon3__power1_cap='186000000',
                    **amdgpu(12272 * MIB, 24 * MIB, gtt, 0, 256 * MIB), **link('8.0', 4, '16.0'))
    return files | {'usr/share/libdrm/amdgpu.ids': '73DF,\tC1,\tAMD Radeon RX 6700 XT\n73DF,\tC5,\tAMD Radeon RX 6700'}


def resource(*regions):
    """regions: (first, bytes, flags) or None; six of them and the ROM."""
    lines = [f'0x{0:016x} 0x{0:016x} 0x{0:016x}' if not r else f'0x{r[0]:016x} 0x{r[0] + r[1] - 1:016x} 0x{r[2]:016x}' for r in regions]
    return '\n'.join(lines + [f'0x{0:016x} 0x{0:016x} 0x{0:016x}'] * (7 - len(lines)))


def arc_a770(make):
    """A card under mainline xe, which states no memory; its region was widened to all of it. Its own link is one lane inside the card."""
    files = base(make, 'arc-box', '13th Gen Intel(R) Core(TM) i5-13600K', 32611484, '6.12.10', chassis_type='3')
    files |= device(make, '0000:00:01.0', '0x060400', INTEL, '0xa70d', 'pcieport', **link('16.0', 16, '32.0'))
    files |= device(make, '0000:00:01.0/0000:01:00.0', '0x060400', INTEL, '0x4fa0', 'pcieport', **link('16.0', 16))
    files |= device(make, '0000:00:01.0/0000:01:00.0/0000:02:01.0', '0x060400', INTEL, '0x4fa4', 'pcieport', **link('2.5', 1))
    files |= device(make, '0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:03:00.0', '0x030000', INTEL, '0x56a0', 'xe', '0x08',
                    resource=resource((0x84000000, 16 * MIB, 0x140204), None, (0x4000000000, 16 * GIB, 0x14220c)),
                    tile0__memory__freq0__max_freq='2400', hwmon__hwmon5__name='xe', hwmon__hwmon5__power1_max='190000000', **link('2.5', 1))
    return files


def arrow_lake(make):
    """A processor with a GPU that has no memory of its own, and a neural processor."""
    files = base(make, 'arrow', 'Intel(R) Core(TM) Ultra 9 285K', 65382560, '6.14.0', chassis_type='3')
    files |= device(make, '0000:00:02.0', '0x030000', INTEL, '0x7d67', 'i915', '0x06',
                    resource=resource((0x5000000000, 16 * MIB, 0x14220c), None, (0x4000000000, 256 * MIB, 0x14220c)))
    files |= device(make, '0000:00:0b.0', '0x120000', INTEL, '0xad1d', 'intel_vpu', '0x01', npu_memory_utilization='68714496')
    files['sys/class/accel/accel0'] = make.Link('../../devices/pci0000:00/0000:00:0b.0/accel/accel0')
    files['sys/devices/pci0000:00/0000:00:0b.0/accel/accel0/device'] = make.Link('../../../0000:00:0b.0')
    return files


def jetson_orin(make):
    """A module of 64 GB: the GPU is no PCI device."""
    files = base(make, 'orin', ('0x41', '0xd42'), 64349092, '5.15.148-tegra', x86=False)
    return files | {'proc/device-tree/model': 'NVIDIA Jetson AGX Orin Developer Kit\0', 'sys/devices/soc0/family': 'Tegra',
                    'proc/device-tree/compatible': 'nvidia,p3737-0000+p3701-0005\0nvidia,p3701-0005\0nvidia,tegra234\0nvidia,tegra23x\0',
                    'etc/nv_tegra_release': '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025'}


def gb10(make):
    """A GPU on PCI whose driver states no memory, since it has the host's."""
    files = base(make, 'spark', ('0x41', '0xd85'), 127508160, '6.11.0-1016-nvidia', x86=False, product_name='NVIDIA_DGX_Spark', sys_vendor='NVIDIA')
    return files | device(make, '000f:00:00.0/000f:01:00.0', '0x030000', NVIDIA, '0x2e12', 'nvidia', '0xa1')


def apple_m2(make):
    """A laptop under Asahi Linux."""
    files = base(make, 'air', ('0x61', '0x032'), 15981568, '6.14.8-400.asahi.fc42.aarch64+16k', x86=False)
    return files | {'proc/device-tree/model': 'Apple MacBook Air (13-inch, M2, 2022)\0',
                    'proc/device-tree/compatible': 'apple,j413\0apple,t8112\0apple,arm-platform\0',
                    'sys/bus/platform/drivers/asahi/206400000.gpu': make.Link('../../../../devices/platform/soc/206400000.gpu')}


MACHINES = {'strix-halo-96': strix_halo_96, 'strix-halo-gtt': strix_halo_gtt, 'radeon-with-igpu': radeon_with_igpu, 'two-radeons': two_radeons,
            'arc-a770': arc_a770, 'arrow-lake': arrow_lake, 'jetson-orin': jetson_orin, 'gb10': gb10, 'apple-m2': apple_m2}
